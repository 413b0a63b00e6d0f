/* What is said to people, on stderr. */
#include "cli.h"

#include "base/memory.h"
#include "base/text.h"
#include "live/feed.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void hpx_show_text(const char *text)
{
    hpx_buffer shown = {0};
    hpx_terminal_clear();
    hpx_text_show(&shown, text, strlen(text), "\n\t");
    fputs(hpx_buffer_text(&shown), stderr);
    hpx_buffer_free(&shown);
}

static bool in_json;

void hpx_say_in_json(void)
{
    in_json = true;
}

void hpx_put_lines(hpx_buffer *lines)
{
    fputs(hpx_buffer_text(lines), stderr);
    hpx_buffer_free(lines);
}

void hpx_say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = hpx_vformat(format, args), *line = hpx_format("hpx: %s\n", text);
    va_end(args);
    if (in_json) {
        hpx_buffer lines = {0};
        hpx_feed_message(&lines, text);
        hpx_put_lines(&lines);
    } else {
        hpx_show_text(line);
    }
    free(line);
    free(text);
}

int hpx_fail(const hpx_error *error)
{
    static const int codes[] = {
        [HPX_OK] = EXIT_DONE,
        [HPX_FAILED] = EXIT_FAILED,
        [HPX_USAGE] = EXIT_USAGE,
        [HPX_NOT_FOUND] = EXIT_FAILED,
        [HPX_DAMAGED] = EXIT_DAMAGED,
        [HPX_DIFFERS] = EXIT_DIFFERS,
        [HPX_INTERRUPTED] = EXIT_FAILED, /* main ends by the signal */
        [HPX_NO_MEMORY] = EXIT_FAILED,
    };
    hpx_say("%s", error->message);
    return codes[error->status];
}
