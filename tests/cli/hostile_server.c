/* A server for a shared store that does what no server should, over the files of a good one:
 *
 *     hostile_server FOLDER LOG
 *
 * It prints the port that it listens on at 127.0.0.1. A URL says what it does: /HOW/ac/DIGITS and /HOW/cas/DIGITS, HOW a word
 * of the table below; "ac-HOW" and "cas-HOW" do it to these alone, "get-HOW" and "put-HOW" to these requests. Whatever else is
 * asked for it serves as a good server would. LOG gets a line for each request: its method, its path, and what it says under
 * Authorization. After two minutes the server ends. */
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_BYTES ((size_t)16 << 10)
#define SECONDS    120

static const char *folder;
static FILE *record;

struct request {
    int fd;
    char method[8], how[32], path[128], authorization[256]; /* `path` "cas/DIGITS" */
    size_t body;                                            /* bytes that follow */
};

/* A file's bytes; NULL where there is none. */
static char *read_file(size_t *size, const char *path)
{
    struct stat info;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *bytes = NULL;
    *size = 0;
    if (fd < 0)
        return NULL;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && (bytes = malloc((size_t)info.st_size + 1))) {
        const ssize_t got = read(fd, bytes, (size_t)info.st_size);
        *size = got > 0 ? (size_t)got : 0;
    }
    close(fd);
    return bytes;
}

static char *read_asked(size_t *size, const struct request *request)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, request->path);
    return read_file(size, path);
}

static bool say(const struct request *request, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size > 0) {
        const ssize_t sent = send(request->fd, at, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        at += sent;
        size -= (size_t)sent;
    }
    return true;
}

static bool say_head(const struct request *request, const char *status, unsigned long long length,
                     const char *more)
{
    char head[512];
    const int size =
        snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Length: %llu\r\n%s\r\n", status, length, more);
    return say(request, head, (size_t)size);
}

static void say_answer(const struct request *request, const char *status, const char *more)
{
    say_head(request, status, 0, more);
}

/* --- what a good server does ------------------------------------------------------------------------------ */

static void store(const struct request *request, const char *bytes)
{
    char path[512], temporary[600];
    snprintf(path, sizeof path, "%s/%s", folder, request->path);
    snprintf(temporary, sizeof temporary, "%s.%d", path, request->fd);
    FILE *file = fopen(temporary, "w");
    const bool good = file && fwrite(bytes, 1, request->body, file) == request->body;
    if (file && fclose(file) == 0 && good && rename(temporary, path) == 0)
        say_answer(request, "201 Created", "");
    else
        say_answer(request, "500 Internal Server Error", "");
}

static void serve(const struct request *request, const char *body)
{
    size_t size;
    if (strcmp(request->method, "PUT") == 0) {
        store(request, body);
        return;
    }
    char *bytes = read_asked(&size, request);
    if (!bytes)
        say_answer(request, "404 Not Found", "");
    else if (say_head(request, "200 OK", size, "") && strcmp(request->method, "HEAD") != 0)
        say(request, bytes, size);
    free(bytes);
}

/* --- what no server should do ----------------------------------------------------------------------------- */

typedef void hostile_fn(const struct request *request);

/* The head says more than what comes. */
static void truncate_body(const struct request *request)
{
    size_t size;
    char *bytes = read_asked(&size, request);
    say_head(request, "200 OK", size, "");
    say(request, bytes, size / 2);
    free(bytes);
}

/* Less than it is, and the head says so. */
static void shorten(const struct request *request)
{
    size_t size;
    char *bytes = read_asked(&size, request);
    say_head(request, "200 OK", size / 2, "");
    say(request, bytes, size / 2);
    free(bytes);
}

static void lengthen(const struct request *request)
{
    static const char more[1000];
    size_t size;
    char *bytes = read_asked(&size, request);
    say_head(request, "200 OK", size + sizeof more, "");
    say(request, bytes, size);
    say(request, more, sizeof more);
    free(bytes);
}

/* A length that no disk has room for. */
static void boast(const struct request *request)
{
    size_t size;
    char *bytes = read_asked(&size, request);
    say_head(request, "200 OK", 1ULL << 62, "");
    say(request, bytes, size);
    free(bytes);
}

static void say_less_than_nothing(const struct request *request)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n01234";
    say(request, head, sizeof head - 1);
}

/* A piece of more bytes than can be counted. */
static void overflow(const struct request *request)
{
    static const char head[] =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n0123\r\n0\r\n\r\n";
    say(request, head, sizeof head - 1);
}

/* All of it, as if it were a part. */
static void part(const struct request *request)
{
    size_t size;
    char *bytes = read_asked(&size, request);
    say_head(request, "206 Partial Content", size, "Content-Range: bytes 0-0/1\r\n");
    say(request, bytes, size);
    free(bytes);
}

/* One bit is another, in an entry one of its signature. */
static void flip(const struct request *request)
{
    size_t size;
    char *bytes = read_asked(&size, request);
    if (bytes && size > 0)
        bytes[size - (size > 10 ? 10 : size)] ^= 1;
    say_head(request, "200 OK", size, "");
    say(request, bytes, size);
    free(bytes);
}

/* Another file of the same kind. */
static void swap(const struct request *request)
{
    char path[512];
    const size_t kind = strcspn(request->path, "/");
    snprintf(path, sizeof path, "%s/%.*s", folder, (int)kind, request->path);
    DIR *files = opendir(path);
    struct request other = *request;
    for (struct dirent *entry; files && (entry = readdir(files));) {
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, request->path + kind + 1) == 0)
            continue;
        snprintf(other.path + kind, sizeof other.path - kind, "/%.100s", entry->d_name);
        break;
    }
    if (files)
        closedir(files);
    serve(&other, NULL);
}

static void endless(const struct request *request)
{
    static const char piece[1 << 16];
    static const char head[] = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
    for (bool goes_on = say(request, head, sizeof head - 1); goes_on;)
        goes_on = say(request, piece, sizeof piece);
}

static void endless_head(const struct request *request)
{
    static const char line[] =
        "X-More: 0123456789012345678901234567890123456789012345678901234567890123456789\r\n";
    for (bool goes_on = say(request, "HTTP/1.1 200 OK\r\n", 17); goes_on;)
        goes_on = say(request, line, sizeof line - 1);
}

/* A body that comes one byte at a time. */
static void drip(const struct request *request)
{
    size_t size;
    char *bytes = read_asked(&size, request);
    bool goes_on = say_head(request, "200 OK", size, "");
    for (size_t i = 0; i < size && goes_on; i++) {
        usleep(200000);
        goes_on = say(request, bytes + i, 1);
    }
    free(bytes);
}

/* Half a body, and then nothing. */
static void stall(const struct request *request)
{
    size_t size;
    char *bytes = read_asked(&size, request);
    say_head(request, "200 OK", size, "");
    say(request, bytes, size / 2);
    free(bytes);
    sleep(SECONDS);
}

static void keep_silent(const struct request *request)
{
    (void)request;
    sleep(SECONDS);
}

static void hang_up(const struct request *request)
{
    (void)request;
}

static void talk_nonsense(const struct request *request)
{
    static const char bytes[] = "\x16\x03\x01SSH-2.0-\xff\xfe\0\0 200 OK\r\n\r\n";
    say(request, bytes, sizeof bytes);
}

static void fail(const struct request *request)
{
    say_answer(request, "500 Internal Server Error", "");
}

static void be_full(const struct request *request)
{
    say_answer(request, "507 Insufficient Storage", "");
}

/* To where it can be had. */
static void redirect(const struct request *request)
{
    char more[200];
    snprintf(more, sizeof more, "Location: /redirected/%s\r\n", request->path);
    say_answer(request, "302 Found", more);
}

/* And says to whom. */
static void refuse(const struct request *request)
{
    say_head(request, "401 Unauthorized", strlen(request->authorization),
             "WWW-Authenticate: Basic realm=\"x\"\r\n");
    if (strcmp(request->method, "HEAD") != 0)
        say(request, request->authorization, strlen(request->authorization));
}

/* It has taken the bytes, it says. */
static void pretend(const struct request *request)
{
    say_answer(request, "201 Created", "");
}

static const struct hostile {
    const char *how;
    hostile_fn *act;
} hostile[] = {
    {"truncate", truncate_body},
    {"shorten", shorten},
    {"lengthen", lengthen},
    {"boast", boast},
    {"flip", flip},
    {"swap", swap},
    {"endless", endless},
    {"head", endless_head},
    {"drip", drip},
    {"stall", stall},
    {"silent", keep_silent},
    {"hangup", hang_up},
    {"nonsense", talk_nonsense},
    {"error", fail},
    {"full", be_full},
    {"redirect", redirect},
    {"refuse", refuse},
    {"pretend", pretend},
    {"negative", say_less_than_nothing},
    {"overflow", overflow},
    {"part", part},
};

/* --- requests --------------------------------------------------------------------------------------------- */

static bool begins(const char **text, const char *with)
{
    const size_t length = strlen(with);
    const bool does = strncmp(*text, with, length) == 0;
    *text += does ? length : 0;
    return does;
}

/* NULL: it is to be served as a good server would. */
static hostile_fn *find_act(const struct request *request)
{
    const char *how = request->how;
    const bool put = strcmp(request->method, "PUT") == 0, entry = strncmp(request->path, "ac/", 3) == 0;
    if ((begins(&how, "ac-") && !entry) || (begins(&how, "cas-") && entry) ||
        (begins(&how, "put-") && !put) || (begins(&how, "get-") && put))
        return NULL;
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++)
        if (strcmp(hostile[i].how, how) == 0)
            return hostile[i].act;
    return NULL;
}

/* Reads a head to the blank line behind it, which must be the end of what has come. */
static bool read_head(struct request *out, char *head)
{
    size_t size = 0;
    while (size < HEAD_BYTES - 1) {
        if (recv(out->fd, head + size, 1, 0) != 1)
            return false;
        head[++size] = '\0';
        if (size >= 4 && strcmp(head + size - 4, "\r\n\r\n") == 0)
            break;
    }
    const char *length = strcasestr(head, "\r\nContent-Length:"),
               *authorization = strcasestr(head, "\r\nAuthorization:");
    out->body = length ? (size_t)strtoull(length + 17, NULL, 10) : 0;
    out->authorization[0] = '\0';
    if (authorization)
        sscanf(authorization + 16, " %255[^\r]", out->authorization);
    return sscanf(head, "%7s /%31[^/ ]/%127s", out->method, out->how, out->path) == 3 &&
           !strstr(out->path, "..");
}

static bool answer(struct request *request)
{
    char head[HEAD_BYTES];
    if (!read_head(request, head))
        return false;
    char *body = malloc(request->body + 1);
    const bool whole = body && (request->body == 0 || recv(request->fd, body, request->body, MSG_WAITALL) ==
                                                          (ssize_t)request->body);
    fprintf(record, "%s /%s/%s %s\n", request->method, request->how, request->path, request->authorization);
    fflush(record);
    hostile_fn *act = find_act(request);
    if (whole && act)
        act(request);
    else if (whole)
        serve(request, body);
    free(body);
    return whole && !act;
}

static void *talk(void *context)
{
    struct request request = {.fd = (int)(intptr_t)context};
    while (answer(&request))
        continue;
    shutdown(request.fd, SHUT_RDWR);
    close(request.fd);
    return NULL;
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (argc != 3 || !(record = fopen(argv[2], "w"))) {
        fprintf(stderr, "usage: hostile_server FOLDER LOG\n");
        return 2;
    }
    folder = argv[1];
    alarm(SECONDS);
    if (bind(server, (struct sockaddr *)&address, sizeof address) || listen(server, 64) ||
        getsockname(server, (struct sockaddr *)&address, &size)) {
        perror("hostile_server");
        return 1;
    }
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        pthread_t thread;
        const int fd = accept(server, NULL, NULL);
        if (fd >= 0 && pthread_create(&thread, NULL, talk, (void *)(intptr_t)fd) == 0)
            pthread_detach(thread);
    }
}
