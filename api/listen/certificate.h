/* api/listen/certificate.h - holds the certificate and key of TLS connections and exchanges them while the daemon
 * serves.
 *
 * libmicrohttpd asks for them at each handshake (MHD_OPTION_HTTPS_CERT_CALLBACK2), so new connections get a
 * renewed certificate and open ones keep theirs. A process serves one certificate at a time. */
#ifndef INSP_API_LISTEN_CERTIFICATE_H
#define INSP_API_LISTEN_CERTIFICATE_H

#include "core/base/error.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <stdint.h>

enum { API_SUBJECT_BYTES = 256 };

/* GnuTLS priorities: TLS 1.3, and TLS 1.2 with forward secrecy and authenticated encryption only (ECDHE with
 * AES-GCM or ChaCha20). */
extern const char api_tls_priorities[];

struct api_certificate {
    gnutls_datum_t chain_pem, key_pem;   /* owned */
    char subject[API_SUBJECT_BYTES];     /* of the first certificate, RFC 4514 */
    int64_t not_before_us, not_after_us; /* wall */
};

/* Reads both PEM files (at most 1 MiB each) and checks that the key belongs to the certificate. Blocks on the
 * disk; any thread. *ret is the caller's: api_certificate_free. Fails with INSP_E_CONFIG (the detail names the
 * files and the fault), INSP_E_NOMEM, and as insp_read_file. */
int api_certificate_load(const char *certificate_path, const char *key_path, struct api_certificate **ret,
                         struct insp_error *reterr);

/* Wipes the key and frees the certificate; accepts NULL. */
void api_certificate_free(struct api_certificate *certificate);

/* Gives this certificate to new connections (NULL: none, handshakes fail) and takes ownership of it. Returns the
 * one before, which is the caller's again. Loop thread. */
struct api_certificate *api_certificate_serve(struct api_certificate *certificate);

/* Gives GnuTLS copies of the chain (at most 16 certificates) and the key, or fails the handshake (-1); a
 * gnutls_certificate_retrieve_function3. Loop thread, inside MHD_run. */
int api_certificate_retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
                             gnutls_pcert_st **ret_certs, unsigned *ret_count, gnutls_ocsp_data_st **ret_ocsp,
                             unsigned *ret_ocsp_count, gnutls_privkey_t *ret_key, unsigned *flags);

#endif
