/* api/http/certificate.h - the certificate and key that TLS connections get, exchangeable while the daemon serves.
 *
 * libmicrohttpd asks for them at each handshake (MHD_OPTION_HTTPS_CERT_CALLBACK2), so a renewed certificate counts
 * from the next connection on and open connections keep theirs. One process serves one certificate. */
#ifndef INSP_API_HTTP_CERTIFICATE_H
#define INSP_API_HTTP_CERTIFICATE_H

#include "core/base/error.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <stdint.h>

enum { API_SUBJECT_BYTES = 256 };

/* TLS 1.3, and of TLS 1.2 what has forward secrecy and authenticated encryption: ECDHE with AES-GCM or ChaCha20.
 */
extern const char api_tls_priorities[];

struct api_certificate {
    gnutls_datum_t chain_pem, key_pem;   /* owned */
    char subject[API_SUBJECT_BYTES];     /* of the first certificate, RFC 4514 */
    int64_t not_before_us, not_after_us; /* wall */
};

/* Reads both PEM files and checks that the key is the certificate's. Blocks on the disk. The result is the
 * caller's. INSP_E_CONFIG names the files and what is wrong; errno codes. */
int api_certificate_load(const char *certificate_path, const char *key_path, struct api_certificate **ret,
                         struct insp_error *reterr);

/* Wipes the key; accepts NULL. */
void api_certificate_free(struct api_certificate *certificate);

/* Gives new connections this certificate (NULL: none, handshakes fail) and returns the one before, which is the
 * caller's. Loop thread. */
struct api_certificate *api_certificate_serve(struct api_certificate *certificate);

/* A gnutls_certificate_retrieve_function3; loop thread, inside MHD_run. */
int api_certificate_retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
                             gnutls_pcert_st **ret_certs, unsigned *ret_count, gnutls_ocsp_data_st **ret_ocsp,
                             unsigned *ret_ocsp_count, gnutls_privkey_t *ret_key, unsigned *flags);

#endif
