/* SPDX-License-Identifier: MIT */
#include "fetch/outcome.h"

/* CURLE_TOO_LARGE, which libcurl has from 8.6 on. */
#define TOO_LARGE_CODE 100

static enum fetch_outcome outcome_of_answer(const struct transfer *t)
{
    int status = t->head.status_code;
    bool is_conditional = t->request->etag.len || t->request->last_modified.len;

    if (status == 304)
        return is_conditional ? FETCH_NOT_MODIFIED : FETCH_BAD_RESPONSE;
    if (status < 200)
        return FETCH_BAD_RESPONSE; /* 101: nobody asked to switch */
    if (status == 206)
        return FETCH_INCOMPLETE; /* a part, and nobody asked for one (promise P49) */
    if (status >= 300 && status <= 308 && head_value(&t->head, HEAD_LOCATION).len)
        return FETCH_REDIRECT;
    return status >= 400 ? FETCH_HTTP_ERROR : FETCH_OK;
}

/* The connection ended, or libcurl could not go on, somewhere in the answer. */
static enum fetch_outcome outcome_of_break(const struct transfer *t)
{
    if (strstr(t->error_text, "chunked-encoding") ||
        strstr(t->error_text, "chunk hex-length"))
        return FETCH_BAD_RESPONSE; /* framing, not loss; libcurl has no code of its own for it */
    if (!t->was_sent) /* a proxy that refuses to connect, or went away meanwhile */
        return FETCH_CONNECT_FAILED;
    return t->head.is_complete ? FETCH_INCOMPLETE : FETCH_CONNECTION_LOST;
}

bool outcome_is_cut_handshake(const struct transfer *t)
{
    static const char *const cuts[] = { "SSL_ERROR_SYSCALL", "error:00000000", "unexpected eof", "Recv failure",
                                        "Send failure" };

    for (size_t i = 0; i < ARRAY_LEN(cuts); i++)
        if (strstr(t->error_text, cuts[i]))
            return !t->was_sent;
    return false;
}

static enum fetch_outcome outcome_of_stop(const struct transfer *t)
{
    switch (t->stop) {
    case TRANSFER_STOP_SKIPPED:
    case TRANSFER_STOP_WHOLE: return outcome_of_answer(t);
    case TRANSFER_STOP_TOO_LARGE: return FETCH_TOO_LARGE;
    case TRANSFER_STOP_PROXY: return FETCH_CONNECT_FAILED;
    case TRANSFER_STOP_BAD_HEAD: return FETCH_BAD_RESPONSE;
    case TRANSFER_STOP_LATE: return FETCH_TIMEOUT;
    default: return FETCH_CANCELLED;
    }
}

static enum fetch_outcome outcome_of_code(const struct transfer *t, CURLcode result)
{
    switch ((int)result) {
    case CURLE_OK:
        /* libcurl 7.88 is content with an end of file inside the header block. */
        return t->head.is_complete ? outcome_of_answer(t) : FETCH_CONNECTION_LOST;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY: return FETCH_DNS_FAILED;
    case CURLE_COULDNT_CONNECT:
    case CURLE_PROXY: return FETCH_CONNECT_FAILED;
    case CURLE_OPERATION_TIMEDOUT: return FETCH_TIMEOUT;
    case CURLE_SSL_CONNECT_ERROR: return outcome_is_cut_handshake(t) ? FETCH_CONNECT_FAILED : FETCH_TLS_FAILED;
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_USE_SSL_FAILED:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_SHUTDOWN_FAILED:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CLIENTCERT: return FETCH_TLS_FAILED;
    case CURLE_UNSUPPORTED_PROTOCOL: /* HTTP/0.9; no other scheme comes this far */
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_FUNCTION_ARGUMENT: /* a header line that libcurl can make nothing of */
    case CURLE_URL_MALFORMAT:
    case CURLE_BAD_CONTENT_ENCODING: return FETCH_BAD_RESPONSE;
    case CURLE_OUT_OF_MEMORY: /* an over-long header line, not our memory (promise P28) */
    case TOO_LARGE_CODE:      /* the same */
        return t->head.is_complete ? FETCH_INCOMPLETE : FETCH_BAD_RESPONSE;
    default: return outcome_of_break(t);
    }
}

enum fetch_outcome outcome_of(const struct transfer *t, CURLcode result)
{
    if (t->stop != TRANSFER_NO_STOP)
        return outcome_of_stop(t);
    if (t->wanted_resend)
        return FETCH_CONNECTION_LOST;
    if (t->refusal)
        return FETCH_BLOCKED_ADDRESS;
    return outcome_of_code(t, result);
}

bool outcome_is_lost_reuse(const struct transfer *t)
{
    return t->stop == TRANSFER_NO_STOP && t->head.n_bytes == 0 &&
           t->outcome == FETCH_CONNECTION_LOST &&
           (t->wanted_resend || (t->is_reused && t->was_sent));
}

bool outcome_is_of_proxy(const struct transfer *t)
{
    int status = t->head.status_code;

    return t->shared->options.proxy.len && !t->request->is_https &&
           (status == 407 || (status >= 400 && head_value(&t->head, HEAD_SQUID_ERROR).len));
}
