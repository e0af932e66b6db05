/* SPDX-License-Identifier: MIT */
#include "fetch/trust.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include "config/err.h"
#include "config/mem.h"

/* From this version on libcurl fills a store of its own first: with what it was built to trust, if told nothing. */
#define FILLS_ITS_OWN 0x081100

struct trust {
    char *file;            /* PEM; NULL: none */
    const char *directory; /* hashed names, looked up one by one; NULL: none */
    X509_STORE *store;     /* NULL: not read yet */
    struct curl_blob one;  /* a certificate of it, as PEM: libcurl's own store takes no longer to fill; may be none */
    struct err_note problem;
};

struct trust *trust_new(struct span ca_file)
{
    const curl_version_info_data *built = curl_version_info(CURLVERSION_NOW);
    struct trust *t = mem_alloc(sizeof(*t));

    if (ca_file.len) {
        t->file = mem_str_copy(ca_file);
    } else {
        t->file = built->cainfo ? mem_str_copy(span_str(built->cainfo)) : NULL;
        t->directory = built->capath;
    }
    return t;
}

void trust_free(struct trust *t)
{
    if (!t)
        return;
    X509_STORE_free(t->store);
    mem_free(t->one.data);
    mem_free(t->file);
    mem_free(t);
}

static void note_problem(struct trust *t)
{
    static const char REMEDY[] = "install ca-certificates, or name a file with --ca-file";

    if (access(t->file, R_OK))
        (void)err_set(&t->problem, ERR_IO, "no certificates to check servers by: %s: %s; %s", t->file,
                      strerror(errno), REMEDY);
    else
        (void)err_set(&t->problem, ERR_INVALID, "no certificates to check servers by in %s; %s", t->file, REMEDY);
}

static X509_STORE *read_store(struct trust *t)
{
    X509_STORE *store = X509_STORE_new();
    bool is_read;

    if (!store)
        mem_out_of_memory(0);
    ERR_clear_error();
    is_read = (!t->file || X509_STORE_load_file(store, t->file)) &&
              (!t->directory || X509_STORE_load_path(store, t->directory));
    if (!is_read && ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE)
        mem_out_of_memory(0);
    ERR_clear_error();
    if (!is_read) {
        note_problem(t);
        X509_STORE_free(store);
        return NULL;
    }
    /* As libcurl has it: an authority in the middle of a chain that is trusted is enough. */
    (void)X509_STORE_set_flags(store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
    t->problem.text[0] = '\0';
    return store;
}

/* Where only a directory is trusted there is none yet, and nothing that libcurl would read. */
static void keep_one(struct trust *t)
{
    STACK_OF(X509) *all = X509_STORE_get1_all_certs(t->store);
    BIO *text = BIO_new(BIO_s_mem());
    char *pem;
    long n;

    if (!all || !text || (sk_X509_num(all) > 0 && !PEM_write_bio_X509(text, sk_X509_value(all, 0))))
        mem_out_of_memory(0);
    n = BIO_get_mem_data(text, &pem);
    if (n > 0)
        t->one = (struct curl_blob){ mem_str_copy(span_make(pem, (size_t)n)), (size_t)n, CURL_BLOB_NOCOPY };
    BIO_free(text);
    sk_X509_pop_free(all, X509_free);
}

static void look(struct trust *t)
{
    if (t->store)
        return;
    t->store = read_store(t);
    if (t->store && curl_version_info(CURLVERSION_NOW)->version_num >= FILLS_ITS_OWN)
        keep_one(t);
}

/* Once a connection, before its handshake; arg is NULL where nobody is to be checked. */
static CURLcode on_tls(CURL *easy, void *ssl_ctx, void *arg)
{
    struct trust *t = arg;

    (void)easy;
    (void)SSL_CTX_set_options(ssl_ctx, SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_IGNORE_UNEXPECTED_EOF);
    if (!t)
        return CURLE_OK;
    if (!t->store)
        return CURLE_SSL_CACERT_BADFILE;
    SSL_CTX_set1_cert_store(ssl_ctx, t->store);
    return CURLE_OK;
}

CURLcode trust_nobody(CURL *easy)
{
    return curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L) | curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L) |
           curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_tls);
}

CURLcode trust_use(struct trust *t, CURL *easy)
{
    static const CURLoption own[] = { CURLOPT_CAINFO, CURLOPT_CAPATH, CURLOPT_PROXY_CAINFO, CURLOPT_PROXY_CAPATH };
    static const CURLoption own_one[] = { CURLOPT_CAINFO_BLOB, CURLOPT_PROXY_CAINFO_BLOB };
    CURLcode rc = CURLE_OK;

    look(t);
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        rc |= curl_easy_setopt(easy, own[i], NULL);
    for (size_t i = 0; i < ARRAY_LEN(own_one) && t->one.data; i++)
        rc |= curl_easy_setopt(easy, own_one[i], &t->one);
    rc |= curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
    rc |= curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_tls);
    rc |= curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, t);
    return rc;
}

const char *trust_problem(const struct trust *t)
{
    return t->problem.text;
}
