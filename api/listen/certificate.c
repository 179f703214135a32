#include "api/listen/certificate.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/fs.h"

#include <gnutls/x509.h>
#include <string.h>

enum { PEM_BYTES_MAX = 1 << 20, CHAIN_MAX = 16 };

const char api_tls_priorities[] =
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:-CIPHER-ALL:"
    "+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-GCM:-MAC-ALL:+AEAD";

static struct api_certificate *serving;

static int read_pem(const char *path, gnutls_datum_t *ret, struct insp_error *reterr) {
    char *text;
    size_t bytes;
    int code = insp_read_file(path, PEM_BYTES_MAX, &text, &bytes, reterr);
    if (!code)
        *ret = (gnutls_datum_t){(unsigned char *)text, (unsigned)bytes};
    return code;
}

/* Lets GnuTLS check that certificate and key belong together. */
static int check_pair(const struct api_certificate *certificate) {
    gnutls_certificate_credentials_t credentials;
    int why = gnutls_certificate_allocate_credentials(&credentials);
    if (why < 0)
        return why;
    why = gnutls_certificate_set_x509_key_mem(credentials, &certificate->chain_pem, &certificate->key_pem,
                                              GNUTLS_X509_FMT_PEM);
    gnutls_certificate_free_credentials(credentials);
    return why;
}

static int read_facts(struct api_certificate *certificate) {
    gnutls_x509_crt_t first;
    size_t bytes = sizeof certificate->subject;
    int why = gnutls_x509_crt_init(&first);
    if (why < 0)
        return why;
    why = gnutls_x509_crt_import(first, &certificate->chain_pem, GNUTLS_X509_FMT_PEM);
    if (why >= 0) {
        if (gnutls_x509_crt_get_dn(first, certificate->subject, &bytes) < 0)
            certificate->subject[0] = 0; /* missing or very long; only the log shows it */
        certificate->not_before_us = (int64_t)gnutls_x509_crt_get_activation_time(first) * 1000000;
        certificate->not_after_us = (int64_t)gnutls_x509_crt_get_expiration_time(first) * 1000000;
    }
    gnutls_x509_crt_deinit(first);
    return why;
}

int api_certificate_load(const char *certificate_path, const char *key_path, struct api_certificate **ret,
                         struct insp_error *reterr) {
    struct api_certificate *certificate = calloc(1, sizeof *certificate);
    if (!certificate)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the certificate");
    int code = read_pem(certificate_path, &certificate->chain_pem, reterr);
    if (!code)
        code = read_pem(key_path, &certificate->key_pem, reterr);
    int why = code ? 0 : check_pair(certificate);
    if (!code && why >= 0)
        why = read_facts(certificate);
    if (!code && why < 0)
        code = insp_fail(reterr, INSP_E_CONFIG, "certificate %s and key %s cannot be used: %s", certificate_path,
                         key_path, gnutls_strerror(why));
    if (code)
        api_certificate_free(certificate);
    else
        *ret = certificate;
    return code;
}

void api_certificate_free(struct api_certificate *certificate) {
    if (!certificate)
        return;
    if (certificate->key_pem.data)
        explicit_bzero(certificate->key_pem.data, certificate->key_pem.size);
    free(certificate->key_pem.data);
    free(certificate->chain_pem.data);
    free(certificate);
}

struct api_certificate *api_certificate_serve(struct api_certificate *certificate) {
    struct api_certificate *before = serving;
    serving = certificate;
    return before;
}

static gnutls_pcert_st *copy_chain(unsigned *ret_count) {
    unsigned count = CHAIN_MAX;
    gnutls_pcert_st *chain = gnutls_calloc(count, sizeof *chain);
    if (chain &&
        gnutls_pcert_list_import_x509_raw(chain, &count, &serving->chain_pem, GNUTLS_X509_FMT_PEM, 0) < 0) {
        gnutls_free(chain);
        return NULL;
    }
    *ret_count = count;
    return chain;
}

static gnutls_privkey_t copy_key(void) {
    gnutls_privkey_t key = NULL;
    if (gnutls_privkey_init(&key) < 0)
        return NULL;
    if (gnutls_privkey_import_x509_raw(key, &serving->key_pem, GNUTLS_X509_FMT_PEM, NULL, 0) < 0) {
        gnutls_privkey_deinit(key);
        return NULL;
    }
    return key;
}

/* Each handshake gets a copy, which GnuTLS frees with the session, because a reload may exchange the certificate
 * during a handshake. */
int api_certificate_retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
                             gnutls_pcert_st **ret_certs, unsigned *ret_count, gnutls_ocsp_data_st **ret_ocsp,
                             unsigned *ret_ocsp_count, gnutls_privkey_t *ret_key, unsigned *flags) {
    (void)session;
    (void)info;
    unsigned count = 0;
    gnutls_privkey_t key = serving ? copy_key() : NULL;
    gnutls_pcert_st *chain = key ? copy_chain(&count) : NULL;
    if (!chain) {
        if (key)
            gnutls_privkey_deinit(key);
        return -1;
    }
    *ret_certs = chain;
    *ret_count = count;
    *ret_key = key;
    *ret_ocsp = NULL;
    *ret_ocsp_count = 0;
    *flags = GNUTLS_CERT_RETR_DEINIT_ALL;
    return 0;
}
