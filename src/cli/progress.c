/* What goes on, redrawn at the bottom of a terminal: a line with the trials done, the cells the searches have
 * seen and the time left by what is known, and a line for each trial in training, with its epoch and score.
 * Elsewhere (a file, a pipe, TERM=dumb) a trial that ends is a line, as it is on a terminal with -v. */
#include "cli.h"

#include "base/memory.h"
#include "base/text.h"
#include "hpx/file.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define REDRAW_SECONDS 0.1
#define COLUMNS        80 /* of a terminal that does not know */
#define ROWS           24

struct running {
    char *name;             /* "n1=16 n2=16", with the seed where there are several */
    uint32_t epoch, epochs; /* `epochs`: 0 where only its end tells */
    double value;
    char *metrics; /* other ones that the program has told of; NULL: none */
};

struct progress {
    bool draws, lists, quiet, many_seeds;
    int decimals;
    const char *objective; /* the recipe's; NULL: there is no recipe */
    struct running *running;
    size_t count, capacity;
    double drawn_at;
    char fetching[64];
};

/* Whoever had the terminal while hpx was stopped has written below. */
static void forget_lines(int number)
{
    (void)number;
    hpx_lines_drawn = 0;
}

static struct winsize terminal_size(int fd)
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
    return isatty(fd) ? terminal_size(fd).ws_col : SIZE_MAX;
}

static bool can_draw(void)
{
    const char *kind = getenv("TERM");
    return isatty(STDERR_FILENO) && kind && *kind && strcmp(kind, "dumb") != 0;
}

struct progress *hpx_progress_new(const struct options *options, const hpx_recipe *recipe)
{
    struct progress *progress = hpx_alloc(sizeof *progress);
    progress->draws = can_draw() && !options->quiet;
    progress->lists = options->verbose || (!progress->draws && !options->quiet);
    progress->quiet = options->quiet;
    progress->many_seeds = recipe && recipe->seed_count > 1;
    progress->decimals = recipe && recipe->objective.minimised ? 6 : 4;
    progress->objective = recipe ? recipe->objective.name : NULL;
    if (progress->draws)
        signal(SIGCONT, forget_lines);
    return progress;
}

static void free_running(const struct running *running)
{
    free(running->name);
    free(running->metrics);
}

void hpx_progress_free(struct progress *progress)
{
    hpx_clear_lines();
    for (size_t i = 0; i < progress->count; i++)
        free_running(&progress->running[i]);
    free(progress->running);
    free(progress);
}

/* As much of the text as fits into so many columns, a character each. */
static int fitting_bytes(const char *text, size_t columns)
{
    size_t at = 0;
    for (uint32_t code; text[at] && columns > 0; columns--) {
        const size_t step = hpx_utf8_next(&code, text + at, strlen(text + at));
        at += step > 0 ? step : 1;
    }
    return (int)at;
}

/* A line of a frame; what follows the name is whole. */
static void add_line(hpx_buffer *frame, const char *name, const char *rest)
{
    hpx_buffer shown = {0};
    const size_t columns = terminal_size(STDERR_FILENO).ws_col - 1u, length = strlen(rest);
    hpx_text_show(&shown, name, strlen(name), "");
    const char *text = hpx_buffer_text(&shown);
    hpx_buffer_printf(frame, "%s%.*s%.*s", frame->size ? "\n" : "",
                      fitting_bytes(text, columns > length ? columns - length : 0), text,
                      fitting_bytes(rest, columns), rest);
    hpx_buffer_free(&shown);
}

/* Not when somebody else has the terminal, and at most ten times a second. */
static bool is_time_to_draw(struct progress *progress)
{
    const double now = hpx_clock_seconds();
    if (!progress->draws || now - progress->drawn_at < REDRAW_SECONDS)
        return false;
    progress->drawn_at = now;
    const pid_t foreground = tcgetpgrp(STDERR_FILENO);
    return foreground < 0 || foreground == getpgrp();
}

static void draw(hpx_buffer *frame)
{
    const char *text = hpx_buffer_text(frame);
    hpx_clear_lines();
    fputs(text, stderr);
    hpx_lines_drawn = 1;
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        hpx_lines_drawn++;
    fflush(stderr);
    hpx_buffer_free(frame);
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
    const size_t behind = (size_t)(progress->running + --progress->count - running);
    free_running(running);
    memmove(running, running + 1, behind * sizeof *running);
}

static void draw_event(struct progress *progress, const hpx_event *event)
{
    char left[32];
    hpx_buffer frame = {0};
    const size_t rows = terminal_size(STDERR_FILENO).ws_row, room = rows > 3 ? rows - 3 : 0;
    const size_t shown = progress->count <= room ? progress->count : room;
    if (!is_time_to_draw(progress))
        return;
    char *text = hpx_format("[%zu of %zu trials, %zu cells seen, %s left]", event->done,
                            event->done + event->running + event->waiting, event->cells_seen,
                            hpx_duration_text(left, event->seconds_left));
    char *more = event->speculative ? hpx_format("  %zu speculative", event->speculative) : hpx_strdup("");
    add_line(&frame, text, more);
    free(more);
    free(text);
    for (size_t i = 0; i < shown; i++) {
        const struct running *running = &progress->running[i];
        const char *metrics = running->metrics ? running->metrics : "";
        hpx_buffer state = {0};
        if (running->epochs > 0)
            hpx_buffer_printf(&state, "  %u/%u", running->epoch, running->epochs);
        else if (running->epoch > 0)
            hpx_buffer_printf(&state, "  %u", running->epoch);
        if (!isnan(running->value))
            hpx_buffer_printf(&state, "  %.*f", progress->decimals, running->value);
        hpx_buffer_puts(&state, metrics);
        add_line(&frame, running->name, hpx_buffer_text(&state));
        hpx_buffer_free(&state);
    }
    if (shown < progress->count) {
        text = hpx_format("and %zu more", progress->count - shown);
        add_line(&frame, text, "");
        free(text);
    }
    draw(&frame);
}

#define SHOWN_METRICS 3

/* The first of a program's own metrics, beside the objective. */
static void note_metrics(struct running *running, const hpx_metrics *metrics, const char *objective)
{
    hpx_buffer text = {0};
    size_t shown = 0;
    for (size_t i = 0; i < metrics->count && shown < SHOWN_METRICS; i++) {
        const hpx_metric *metric = &metrics->list[i];
        if (objective && strcmp(metric->name, objective) == 0)
            continue;
        hpx_buffer_printf(&text, "  %s %.4g", metric->name, metric->value);
        shown++;
    }
    free(running->metrics);
    running->metrics = hpx_strdup(hpx_buffer_text(&text));
    hpx_buffer_free(&text);
}

void hpx_progress_event(void *context, const hpx_event *event)
{
    struct progress *progress = context;
    char *name = !event->cell           ? NULL
                 : progress->many_seeds ? hpx_format("%s seed %u", event->cell, event->seed)
                                        : hpx_strdup(event->cell);
    struct running *running = name ? find(progress, name) : NULL;
    if (running) {
        running->epoch = event->epoch > event->from ? event->epoch : event->from;
        running->epochs = event->epochs;
        running->value = event->value;
    }
    if (running && event->metrics)
        note_metrics(running, event->metrics, progress->objective);
    const bool minor = event->kind == HPX_EVENT_SAID || event->kind == HPX_EVENT_PROGRESS;
    if (event->message && !(minor && progress->quiet)) {
        hpx_say("%s%s%s", name ? name : "", name ? ": " : "", event->message);
    } else if (name && event->kind == HPX_EVENT_DONE && progress->lists) {
        char *line = hpx_format("%-6s %s: %.*f%s%s%s\n", hpx_verdict_names[event->verdict], name,
                                progress->decimals, event->value, event->reason ? "  (" : "",
                                event->reason ? event->reason : "", event->reason ? ")" : "");
        hpx_show_text(line);
        free(line);
    }
    if (running && event->kind != HPX_EVENT_STARTED && event->kind != HPX_EVENT_EPOCH &&
        event->kind != HPX_EVENT_PROGRESS && event->kind != HPX_EVENT_PROOF &&
        event->kind != HPX_EVENT_PROVEN)
        forget(progress, running);
    draw_event(progress, event);
    free(name);
}

bool hpx_progress_fetch(void *context, const char *file, const char *from, uint64_t done, uint64_t total)
{
    struct progress *progress = context;
    if (strcmp(progress->fetching, file) != 0) {
        snprintf(progress->fetching, sizeof progress->fetching, "%s", file);
        if (!progress->quiet)
            hpx_say("fetching %s from %s", file, from);
    }
    hpx_buffer frame = {0};
    if (!is_time_to_draw(progress))
        return !hpx_interrupted;
    char *text = total ? hpx_format("%s: %.1f of %.1f MB", file, (double)done * 1e-6, (double)total * 1e-6)
                       : hpx_format("%s: %.1f MB", file, (double)done * 1e-6);
    add_line(&frame, text, "");
    draw(&frame);
    free(text);
    return !hpx_interrupted;
}
