/* SPDX-License-Identifier: MIT */
#include "tests/kit/origin_tls.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include "config/mem.h"

#define DAY_S (24L * 60 * 60)

struct origin_tls {
    SSL_CTX *ctx;
};

static X509 *make_certificate(EVP_PKEY *key, const char *names, bool is_expired)
{
    X509 *cert = X509_new();
    X509_NAME *name = X509_get_subject_name(cert);
    X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);

    BUG_IF(!cert || !san);
    BUG_IF(!X509_set_version(cert, X509_VERSION_3));
    BUG_IF(!ASN1_INTEGER_set(X509_get_serialNumber(cert), 1));
    BUG_IF(!X509_gmtime_adj(X509_getm_notBefore(cert), -2 * DAY_S));
    BUG_IF(!X509_gmtime_adj(X509_getm_notAfter(cert), is_expired ? -DAY_S : DAY_S));
    BUG_IF(!X509_NAME_add_entry_by_txt(
        name, "CN", MBSTRING_ASC, (const unsigned char *)"test origin", -1, -1, 0));
    BUG_IF(!X509_set_issuer_name(cert, name) || !X509_set_pubkey(cert, key));
    BUG_IF(!X509_add_ext(cert, san, -1));
    BUG_IF(!X509_sign(cert, key, EVP_sha256()));
    X509_EXTENSION_free(san);
    return cert;
}

static void save_certificate(X509 *cert, char path[64])
{
    (void)snprintf(path, 64, "/tmp/crawl-test-ca-XXXXXX");

    int fd = mkstemp(path);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;

    BUG_IF(!file || !PEM_write_X509(file, cert) || fclose(file));
}

/* RFC 7301: HTTP/2, to whoever offers it. */
static int choose_h2(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                     const unsigned char *offered, unsigned offered_len, void *arg)
{
    static const unsigned char h2[] = "\2h2";
    unsigned char *chosen;

    (void)ssl;
    (void)arg;
    if (SSL_select_next_proto(&chosen, out_len, h2, sizeof h2 - 1, offered,
                              offered_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

struct origin_tls *origin_tls_new(const char *names, bool is_expired, bool speaks_h2, bool ends_quietly,
                                  char ca_path[64])
{
    struct origin_tls *t = mem_alloc(sizeof(*t));
    EVP_PKEY *key = EVP_EC_gen("P-256");

    BUG_IF(!key);

    X509 *cert = make_certificate(key, names, is_expired);

    save_certificate(cert, ca_path);
    t->ctx = SSL_CTX_new(TLS_server_method());
    BUG_IF(!t->ctx);
    BUG_IF(SSL_CTX_use_certificate(t->ctx, cert) != 1 ||
           SSL_CTX_use_PrivateKey(t->ctx, key) != 1);
    if (speaks_h2)
        SSL_CTX_set_alpn_select_cb(t->ctx, choose_h2, NULL);
    SSL_CTX_set_quiet_shutdown(t->ctx, ends_quietly);
    SSL_CTX_set_mode(t->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    X509_free(cert);
    EVP_PKEY_free(key);
    return t;
}

void origin_tls_free(struct origin_tls *t)
{
    if (!t)
        return;
    SSL_CTX_free(t->ctx);
    mem_free(t);
}

static SSL *ssl_of(struct origin_tls_conn *c)
{
    return (SSL *)(void *)c;
}

struct origin_tls_conn *origin_tls_accept(struct origin_tls *t, int fd)
{
    SSL *ssl = SSL_new(t->ctx);

    BUG_IF(!ssl || SSL_set_fd(ssl, fd) != 1);
    SSL_set_accept_state(ssl);
    return (struct origin_tls_conn *)(void *)ssl;
}

void origin_tls_end(struct origin_tls_conn *c)
{
    (void)SSL_shutdown(ssl_of(c));
    SSL_free(ssl_of(c));
}

static ssize_t result_of(SSL *ssl, int n)
{
    int why;

    if (n > 0)
        return n;
    why = SSL_get_error(ssl, n);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
        errno = EAGAIN;
        return -1;
    }
    return 0;
}

ssize_t origin_tls_read(struct origin_tls_conn *c, void *to, size_t n)
{
    return result_of(ssl_of(c), SSL_read(ssl_of(c), to, (int)MIN(n, (size_t)1 << 20)));
}

ssize_t origin_tls_write(struct origin_tls_conn *c, const void *from, size_t n)
{
    return result_of(ssl_of(c),
                     SSL_write(ssl_of(c), from, (int)MIN(n, (size_t)1 << 20)));
}
