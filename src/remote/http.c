/* A shared store behind HTTP: GET, HEAD and PUT of BASE/ac/DIGITS and BASE/cas/DIGITS, as caches for Bazel and WebDAV have them.
 * A server is not believed: no redirect is followed, no byte is kept beyond what was asked for, and who asks has an end to his
 * patience. Credentials are a token or the user's netrc, and go to libcurl alone. */
#include "transport.h"

#include "base/curl.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_MS      2000L
#define TRANSFERS_MAX   64 /* at once */
#define CONNECTIONS_MAX 8L
#define IGNORED_MAX     ((uint64_t)64 << 10) /* of what comes with an answer that is no 200 */

/* A transfer under way. */
struct way {
    struct http *http;
    hpx_transfer *transfer;
    CURL *easy;
    uint64_t sent, ignored;
    hpx_status status; /* of what was written here */
    hpx_error error;
    char reason[CURL_ERROR_SIZE];
};

struct http {
    hpx_transport transport;
    hpx_libcurl curl;
    char *base;  /* without a slash at its end */
    char *token; /* NULL: there is none */
    CURLM *multi;
    struct curl_slist *headers;
    struct way ways[TRANSFERS_MAX]; /* with a transfer, or idle; their handles keep what they know */
};

static long code_of(const struct way *way)
{
    long code = 0;
    way->http->curl.easy_getinfo(way->easy, CURLINFO_RESPONSE_CODE, &code);
    return code;
}

static size_t take_bytes(char *bytes, size_t size, size_t count, void *context)
{
    struct way *way = context;
    hpx_transfer *transfer = way->transfer;
    const size_t got = size * count;
    if (code_of(way) != 200) {
        way->ignored += got;
        return way->ignored <= IGNORED_MAX ? got : 0;
    }
    way->http->transport.moved += got;
    if (got > transfer->size - transfer->blob.size)
        way->status = hpx_error_set(&way->error, HPX_FAILED, "it sends more than it may");
    else
        way->status = hpx_blob_add(&transfer->blob, bytes, got, &way->error);
    return way->status ? 0 : got;
}

static size_t give_bytes(char *bytes, size_t size, size_t count, void *context)
{
    struct way *way = context;
    const hpx_blob *blob = &way->transfer->blob;
    const uint64_t left = blob->size - way->sent, room = size * count;
    const size_t given = (size_t)(left < room ? left : room);
    way->status = hpx_blob_read(blob, bytes, given, way->sent, &way->error);
    if (way->status)
        return CURL_READFUNC_ABORT;
    way->sent += given;
    way->http->transport.moved += given;
    return given;
}

/* Where curl has to send again, as behind a connection that had been closed. */
static int seek_bytes(void *context, curl_off_t offset, int origin)
{
    struct way *way = context;
    if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > way->transfer->blob.size)
        return CURL_SEEKFUNC_FAIL;
    way->sent = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

static void prepare(struct way *way, const char *url)
{
    struct http *http = way->http;
    const hpx_transfer *transfer = way->transfer;
    __typeof__(curl_easy_setopt) *set = http->curl.easy_setopt;
    CURL *easy = way->easy;
    http->curl.easy_reset(easy);
    set(easy, CURLOPT_URL, url);
    set(easy, CURLOPT_PRIVATE, way);
    set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    set(easy, CURLOPT_FOLLOWLOCATION, 0L);
    set(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    set(easy, CURLOPT_PIPEWAIT, 1L);
    set(easy, CURLOPT_NOSIGNAL, 1L);
    set(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
#if LIBCURL_VERSION_NUM >= 0x075700
    set(easy, CURLOPT_QUICK_EXIT, 1L); /* a look-up of a name is not waited for */
#endif
    set(easy, CURLOPT_USERAGENT, "hpx");
    set(easy, CURLOPT_HTTPHEADER, http->headers);
    set(easy, CURLOPT_ERRORBUFFER, way->reason);
    set(easy, CURLOPT_WRITEFUNCTION, take_bytes);
    set(easy, CURLOPT_WRITEDATA, way);
    if (http->token) {
        set(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
        set(easy, CURLOPT_XOAUTH2_BEARER, http->token);
    } else {
        set(easy, CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL);
    }
    if (transfer->kind == HPX_HAS)
        set(easy, CURLOPT_NOBODY, 1L);
    if (transfer->kind == HPX_PUT) {
        set(easy, CURLOPT_UPLOAD, 1L);
        set(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)transfer->blob.size);
        set(easy, CURLOPT_READFUNCTION, give_bytes);
        set(easy, CURLOPT_READDATA, way);
        set(easy, CURLOPT_SEEKFUNCTION, seek_bytes);
        set(easy, CURLOPT_SEEKDATA, way);
    }
}

static hpx_status begin(struct way *way, hpx_transfer *transfer, hpx_error *error)
{
    struct http *http = way->http;
    if (!way->easy && !(way->easy = http->curl.easy_init()))
        hpx_out_of_memory(sizeof *way);
    way->transfer = transfer;
    way->sent = way->ignored = 0;
    way->status = HPX_OK;
    way->reason[0] = 0;
    if (transfer->kind == HPX_GET && hpx_transfer_make_room(transfer, transfer->size, error))
        return error->status;
    char *url = hpx_format("%s/%s", http->base, transfer->path);
    prepare(way, url);
    free(url);
    http->curl.multi_add_handle(http->multi, way->easy);
    return HPX_OK;
}

/* Sets waiting transfers going, as far as there are ways. */
static void begin_all(struct http *http)
{
    for (size_t i = 0; i < TRANSFERS_MAX && http->transport.first; i++) {
        struct way *way = &http->ways[i];
        hpx_error error;
        if (way->transfer)
            continue;
        hpx_transfer *transfer = hpx_transport_take(&http->transport);
        if (begin(way, transfer, &error)) {
            way->transfer = NULL;
            transfer->done(transfer, error.status, &error);
        }
    }
}

static hpx_status judge_code(hpx_transfer_kind kind, long code, hpx_error *error)
{
    if (code == 200 || (code == 204 && kind != HPX_GET) || (code == 201 && kind == HPX_PUT))
        return HPX_OK;
    if ((code == 404 || code == 410) && kind != HPX_PUT)
        return hpx_error_set(error, HPX_NOT_FOUND, "it is not there");
    if (code == 401 || code == 403 || code == 407)
        return hpx_error_set(error, HPX_FAILED, "it refuses access (HTTP %ld); see hpx help shared", code);
    if (code >= 300 && code < 400)
        return hpx_error_set(error, HPX_FAILED,
                             "it answers with a redirect (HTTP %ld), which is not followed", code);
    return hpx_error_set(error, HPX_FAILED, "it answers %s with HTTP %ld",
                         kind == HPX_GET   ? "GET"
                         : kind == HPX_HAS ? "HEAD"
                                           : "PUT",
                         code);
}

/* Of another size than it should have, as far as the server says. */
static bool is_other(const struct way *way)
{
    curl_off_t length = -1;
    way->http->curl.easy_getinfo(way->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    return length >= 0 && (uint64_t)length != way->transfer->size;
}

static hpx_status judge(struct way *way, CURLcode code, hpx_error *error)
{
    struct http *http = way->http;
    const long answer = code_of(way);
    if (way->status) {
        *error = way->error;
        return way->status;
    }
    if (code != CURLE_OK && !(code == CURLE_WRITE_ERROR && answer != 200)) {
        http->transport.gone = http->transport.gone || hpx_curl_is_out_of_reach(code);
        return hpx_error_set(error, HPX_FAILED, "%s",
                             *way->reason ? way->reason : http->curl.easy_strerror(code));
    }
    const hpx_status status = judge_code(way->transfer->kind, answer, error);
    if (!status && way->transfer->kind == HPX_HAS && is_other(way))
        return hpx_error_set(error, HPX_NOT_FOUND, "it is of another size");
    return status;
}

/* Takes its transfer from it: it is idle then. */
static hpx_transfer *leave(struct way *way)
{
    hpx_transfer *transfer = way->transfer;
    way->http->curl.multi_remove_handle(way->http->multi, way->easy);
    way->transfer = NULL;
    return transfer;
}

/* Hands on what is done; how many there were. */
static size_t take_done(struct http *http)
{
    size_t count = 0;
    int left;
    for (CURLMsg *message; (message = http->curl.multi_info_read(http->multi, &left)); count++) {
        struct way *way;
        hpx_error error;
        const CURLcode code = message->data.result;
        http->curl.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &way);
        const hpx_status status = judge(way, code, &error);
        hpx_transfer *transfer = leave(way);
        transfer->done(transfer, status, &error);
    }
    return count;
}

static size_t go_on(struct http *http)
{
    int running;
    begin_all(http);
    http->curl.multi_perform(http->multi, &running);
    return take_done(http);
}

static void wait(hpx_transport *transport, double seconds)
{
    struct http *http = (struct http *)transport;
    int events;
    if (go_on(http) > 0)
        return;
    http->curl.multi_poll(http->multi, NULL, 0, (int)(seconds * 1000), &events);
    go_on(http);
}

static void give_up(hpx_transport *transport)
{
    struct http *http = (struct http *)transport;
    for (size_t i = 0; i < TRANSFERS_MAX; i++)
        if (http->ways[i].transfer)
            hpx_transfer_give_up(leave(&http->ways[i]));
}

static void close_http(hpx_transport *transport)
{
    struct http *http = (struct http *)transport;
    for (size_t i = 0; i < TRANSFERS_MAX; i++)
        if (http->ways[i].easy)
            http->curl.easy_cleanup(http->ways[i].easy);
    if (http->multi) {
        http->curl.multi_cleanup(http->multi);
        http->curl.slist_free_all(http->headers);
        http->curl.global_cleanup();
    }
    free(http->token);
    free(http->base);
    free(http);
}

static hpx_status open_curl(struct http *http, hpx_error *error)
{
    hpx_libcurl *curl = &http->curl;
    hpx_status status = hpx_curl_begin(curl, error);
    if (status)
        return status;
    if (!(http->multi = curl->multi_init()))
        hpx_out_of_memory(sizeof *http);
    curl->multi_setopt(http->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    curl->multi_setopt(http->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, CONNECTIONS_MAX);
    http->headers = curl->slist_append(NULL, "Expect:"); /* a PUT does not wait for leave */
    return HPX_OK;
}

/* Whether all of it can be seen, and is ASCII. */
static bool is_plain(const char *text)
{
    for (; *text; text++)
        if (*text <= ' ' || *text > '~')
            return false;
    return true;
}

static hpx_status check_url(const char *url, hpx_error *error)
{
    const char *host = strstr(url, "://") + 3;
    const bool web = strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
    const size_t length = strcspn(host, "/");
    if (memchr(host, '@', length))
        return hpx_error_set(error, HPX_USAGE,
                             "the shared store: a URL may have no name or password in it; put them into "
                             "~/.netrc, or a token into HPX_REMOTE_TOKEN");
    if (!web || length == 0 || !is_plain(url) || strpbrk(url, "?#"))
        return hpx_error_set(
            error, HPX_USAGE,
            "the shared store '%s': expected http://HOST/PATH, https://HOST/PATH or a folder", url);
    return HPX_OK;
}

hpx_status hpx_transport_http(hpx_transport **out, const char *url, const char *token, hpx_error *error)
{
    hpx_status status = check_url(url, error);
    if (!status && token && !is_plain(token))
        status = hpx_error_set(error, HPX_USAGE,
                               "HPX_REMOTE_TOKEN: a token has no blanks and no other than "
                               "visible characters of ASCII");
    if (status)
        return status;
    struct http *http = hpx_alloc(sizeof *http);
    size_t length = strlen(url);
    while (url[length - 1] == '/')
        length--;
    http->transport = (hpx_transport){.wait = wait, .give_up = give_up, .close = close_http};
    http->base = hpx_strndup(url, length);
    http->token = token && *token ? hpx_strdup(token) : NULL;
    for (size_t i = 0; i < TRANSFERS_MAX; i++)
        http->ways[i].http = http;
    status = open_curl(http, error);
    if (status)
        close_http(&http->transport);
    else
        *out = &http->transport;
    return status;
}
