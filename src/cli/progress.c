/* One line on the terminal, redrawn: trials done, in training with their epochs and scores, cells the
 * searches have seen, and the time left by what is known. Without a terminal only failures are said, and
 * trials with -v. */
#include "cli.h"

#include "hpx/file.h"
#include "hpx/memory.h"
#include "hpx/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define REDRAW_SECONDS 0.1

struct running {
    char *name; /* "n1=16 n2=16", with the seed where there are several */
    uint32_t epoch;
    double value;
};

struct progress {
    bool draws, verbose, quiet, many_seeds;
    int decimals;
    struct running *running;
    size_t count, capacity;
    double drawn_at;
    bool on_screen;
    char fetching[64];
};

struct progress *progress_new(const struct options *options, const hpx_recipe *recipe)
{
    struct progress *progress = hpx_alloc(sizeof *progress);
    progress->draws = isatty(STDERR_FILENO) && !options->quiet;
    progress->verbose = options->verbose;
    progress->quiet = options->quiet;
    progress->many_seeds = recipe && recipe->seed_count > 1;
    progress->decimals = recipe && hpx_metric_minimised(recipe->objective) ? 6 : 4;
    return progress;
}

static void clear(struct progress *progress)
{
    if (progress->on_screen)
        fputs("\r\033[K", stderr);
    progress->on_screen = false;
}

void progress_free(struct progress *progress)
{
    clear(progress);
    for (size_t i = 0; i < progress->count; i++)
        free(progress->running[i].name);
    free(progress->running);
    free(progress);
}

static int terminal_width(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* Draws at most ten times a second, cut to the terminal. */
static void draw(struct progress *progress, const char *text)
{
    double now = hpx_clock_seconds();
    if (!progress->draws || now - progress->drawn_at < REDRAW_SECONDS)
        return;
    progress->drawn_at = now;
    progress->on_screen = true;
    hpx_buffer shown = {0};
    hpx_text_show(&shown, text, strlen(text), "");
    fprintf(stderr, "\r\033[K%.*s", terminal_width() - 1, hpx_buffer_text(&shown));
    hpx_buffer_free(&shown);
    fflush(stderr);
}

static struct running *find(struct progress *progress, const char *name)
{
    for (size_t i = 0; i < progress->count; i++)
        if (strcmp(progress->running[i].name, name) == 0)
            return &progress->running[i];
    progress->running =
        hpx_grow(progress->running, &progress->capacity, progress->count + 1, sizeof *progress->running);
    struct running *added = &progress->running[progress->count++];
    *added = (struct running){.name = hpx_strdup(name), .value = NAN};
    return added;
}

static void forget(struct progress *progress, struct running *running)
{
    free(running->name);
    *running = progress->running[--progress->count];
}

static void draw_event(struct progress *progress, const hpx_event *event)
{
    char left[32];
    hpx_buffer text = {0};
    hpx_buffer_printf(&text, "[%zu of %zu trials, %zu cells seen, %s left]", event->done,
                      event->done + event->running + event->waiting, event->cells_seen,
                      hpx_duration_text(left, event->seconds_left));
    if (event->speculative)
        hpx_buffer_printf(&text, "  %zu speculative", event->speculative);
    for (size_t i = 0; i < progress->count; i++) {
        const struct running *running = &progress->running[i];
        hpx_buffer_printf(&text, "  %s %u/%u", running->name, running->epoch, event->epochs);
        if (!isnan(running->value))
            hpx_buffer_printf(&text, " %.*f", progress->decimals, running->value);
    }
    draw(progress, hpx_buffer_text(&text));
    hpx_buffer_free(&text);
}

void progress_event(void *context, const hpx_event *event)
{
    struct progress *progress = context;
    char *name = !event->cell           ? NULL
                 : progress->many_seeds ? hpx_format("%s seed %u", event->cell, event->seed)
                                        : hpx_strdup(event->cell);
    struct running *running = name ? find(progress, name) : NULL;
    if (running) {
        running->epoch = event->epoch > event->from ? event->epoch : event->from;
        running->value = event->value;
    }
    if (event->kind == HPX_EVENT_FAILED || event->kind == HPX_EVENT_WAITING) {
        clear(progress);
        say("%s: %s", name, event->message);
    } else if (event->kind == HPX_EVENT_DONE && progress->verbose) {
        clear(progress);
        char *line = hpx_format("%-6s %s: %.*f%s%s%s\n", hpx_verdict_names[event->verdict], name,
                                progress->decimals, event->value, event->reason ? "  (" : "",
                                event->reason ? event->reason : "", event->reason ? ")" : "");
        show_text(line);
        free(line);
    }
    if (event->kind == HPX_EVENT_FAILED || event->kind == HPX_EVENT_WAITING ||
        event->kind == HPX_EVENT_DONE || event->kind == HPX_EVENT_STOPPED)
        forget(progress, running);
    draw_event(progress, event);
    free(name);
}

bool progress_fetch(void *context, const char *file, const char *from, uint64_t done, uint64_t total)
{
    struct progress *progress = context;
    if (strcmp(progress->fetching, file) != 0) {
        snprintf(progress->fetching, sizeof progress->fetching, "%s", file);
        clear(progress);
        if (!progress->quiet)
            say("fetching %s from %s", file, from);
    }
    char *text = total ? hpx_format("%s: %.1f of %.1f MB", file, (double)done * 1e-6, (double)total * 1e-6)
                       : hpx_format("%s: %.1f MB", file, (double)done * 1e-6);
    draw(progress, text);
    free(text);
    return !interrupted;
}
