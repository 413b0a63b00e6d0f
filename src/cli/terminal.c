/* What stands on a terminal below all that was printed: a frame, which the next one replaces. Only relative movements of the
 * cursor and erasing are used, no other screen and no mode, so that nothing has to be restored however the process ends.
 *
 * A message takes the frame away first. So does Ctrl-Z, for the shell; behind fg the next frame is drawn anew. When a terminal
 * becomes narrower, it breaks the frame's lines: they are counted by its new width. */
#include "cli.h"

#include "base/text.h"
#include "hpx/file.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define COLUMNS  80 /* of a terminal that does not know */
#define ROWS     24
#define ROWS_MAX 512 /* of a frame */

static struct {
    volatile sig_atomic_t rows;
    unsigned short widths[ROWS_MAX];
} frame;
volatile sig_atomic_t hpx_terminal_changed;

static struct winsize size_of(int fd)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) != 0)
        size = (struct winsize){0};
    size.ws_col = size.ws_col > 0 ? size.ws_col : COLUMNS;
    size.ws_row = size.ws_row > 0 ? size.ws_row : ROWS;
    return size;
}

size_t hpx_terminal_columns(int fd)
{
    return isatty(fd) ? size_of(fd).ws_col : SIZE_MAX;
}

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value && *value;
}

/* By the same variables as the C library; hpx itself stays in the locale "C". */
static bool has_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (is_set(names[i]))
            return strcasestr(getenv(names[i]), "UTF-8") || strcasestr(getenv(names[i]), "UTF8");
    return false;
}

bool hpx_terminal_is_able(int fd)
{
    return isatty(fd) && is_set("TERM") && strcmp(getenv("TERM"), "dumb") != 0;
}

hpx_screen hpx_terminal_screen(int fd)
{
    const struct winsize size = size_of(fd);
    return (hpx_screen){.columns = size.ws_col,
                        .rows = size.ws_row < ROWS_MAX ? size.ws_row : ROWS_MAX,
                        .utf8 = has_utf8(),
                        .colour = !is_set("NO_COLOR") && hpx_terminal_is_able(fd)};
}

bool hpx_terminal_is_ours(void)
{
    const pid_t foreground = tcgetpgrp(STDERR_FILENO);
    return foreground < 0 || foreground == getpgrp();
}

/* Writes all of it, in a handler of signals too. Nobody can be told that a terminal takes nothing. */
static void put(const char *bytes, size_t size)
{
    while (size > 0) {
        const ssize_t written = write(STDERR_FILENO, bytes, size);
        if (written < 0 && errno != EINTR)
            return;
        bytes += written > 0 ? written : 0;
        size -= written > 0 ? (size_t)written : 0;
    }
}

/* Appends the decimal digits of a number. */
static char *put_number(char *at, size_t number)
{
    if (number >= 10)
        at = put_number(at, number / 10);
    *at++ = (char)('0' + number % 10);
    return at;
}

/* Moves to the frame's begin and erases from there. Returns the end of the text. */
static char *erase(char *out)
{
    const size_t columns = size_of(STDERR_FILENO).ws_col;
    size_t above = 0;
    if (frame.rows == 0)
        return out;
    for (size_t i = 0; i < (size_t)frame.rows; i++)
        above += frame.widths[i] > columns ? (frame.widths[i] + columns - 1) / columns : 1;
    *out++ = '\r';
    if (above > 1) {
        out = put_number(stpcpy(out, "\033["), above - 1);
        *out++ = 'A';
    }
    frame.rows = 0;
    return stpcpy(out, "\033[J");
}

void hpx_terminal_clear(void)
{
    char text[64];
    const int before = errno;
    put(text, (size_t)(erase(text) - text));
    errno = before;
}

/* Columns that a line takes, but for escape sequences that set a colour. */
static size_t width_of(const char *line, size_t size)
{
    size_t width = 0;
    for (const char *at = line, *end = line + size; at < end;) {
        const char *colour = memchr(at, '\033', (size_t)(end - at));
        const size_t length = (size_t)((colour ? colour : end) - at);
        width += hpx_text_width(at, length);
        at += length;
        at += colour ? strcspn(at, "m") + 1 : 0;
    }
    return width;
}

void hpx_terminal_draw(const char *lines)
{
    char begin[64];
    hpx_buffer text = {0};
    sigset_t stop, before;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTSTP); /* its handler erases what is drawn, not a part of it */
    sigprocmask(SIG_BLOCK, &stop, &before);
    hpx_terminal_changed = 0;
    hpx_buffer_add(&text, begin, (size_t)(erase(begin) - begin));
    hpx_buffer_puts(&text, lines);
    put((const char *)text.data, text.size);
    for (const char *line = lines; line && frame.rows < ROWS_MAX;) {
        const char *end = strchr(line, '\n');
        frame.widths[frame.rows++] =
            (unsigned short)width_of(line, end ? (size_t)(end - line) : strlen(line));
        line = end ? end + 1 : NULL;
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    hpx_buffer_free(&text);
}

/* Ctrl-Z: the process stops within raise(), as it would have without a handler. */
static void stop(int number)
{
    sigset_t this;
    const int before = errno;
    hpx_terminal_clear();
    signal(number, SIG_DFL);
    raise(number);
    sigemptyset(&this);
    sigaddset(&this, number);
    sigprocmask(SIG_UNBLOCK, &this, NULL);
    signal(number, stop);
    errno = before;
}

/* Whoever had the terminal while hpx was stopped has written below the frame, if there is one. */
static void go_on(int number)
{
    (void)number;
    frame.rows = 0;
    hpx_terminal_changed = 1;
}

static void resize(int number)
{
    (void)number;
    hpx_terminal_changed = 1;
}

void hpx_terminal_watch(void)
{
    if (signal(SIGTSTP, stop) == SIG_IGN)
        signal(SIGTSTP, SIG_IGN); /* a shell without job control */
    signal(SIGCONT, go_on);
    signal(SIGWINCH, resize);
}
