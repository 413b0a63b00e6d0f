/* What goes on. On a terminal a frame at the bottom shows it (live/live.h), drawn anew every second and at every end of a trial.
 * Elsewhere (a file, a pipe, TERM=dumb) a trial that ends is a line, as it is on a terminal with -v. For scripts all is JSON. */
#include "cli.h"

#include "base/memory.h"
#include "base/text.h"
#include "hpx/file.h"
#include "live/feed.h"
#include "live/live.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REDRAW_SECONDS 1.0
#define LEAST_SECONDS  0.1 /* between frames, however many trials end */

struct progress {
    bool draws, lists, quiet;
    const hpx_recipe *recipe; /* NULL: there is none */
    hpx_live *live;           /* NULL: nothing is drawn */
    hpx_feed *json;           /* NULL: people read it */
    double started;
    bool begun; /* there is something to draw: a build that trains nothing draws nothing */
    bool due;   /* more has happened than time went by */
    double drawn_at;
    char fetching[64];
};

struct progress *hpx_progress_new(const struct options *options, const struct target *target)
{
    struct progress *progress = hpx_alloc(sizeof *progress);
    const bool json = options->progress == PROGRESS_JSON;
    progress->draws =
        options->progress == PROGRESS_AUTO && hpx_terminal_is_able(STDERR_FILENO) && !options->quiet;
    progress->lists = !json && (options->verbose || (!progress->draws && !options->quiet));
    progress->quiet = options->quiet;
    progress->recipe = target ? target->recipe : NULL;
    progress->started = hpx_clock_seconds();
    if (target && progress->draws)
        progress->live = hpx_live_new(target->recipe);
    if (target && json) {
        hpx_buffer line = {0};
        progress->json = hpx_feed_new(&line, target->recipe, target->searches, target->count);
        hpx_put_lines(&line);
    }
    if (progress->draws)
        hpx_terminal_watch();
    return progress;
}

void hpx_progress_end(struct progress *progress, const hpx_outcome *outcome, hpx_status status)
{
    hpx_buffer line = {0};
    if (!progress->json)
        return;
    hpx_feed_end(&line, outcome, status, hpx_clock_seconds() - progress->started);
    hpx_put_lines(&line);
}

void hpx_progress_free(struct progress *progress)
{
    hpx_terminal_clear();
    hpx_live_free(progress->live);
    hpx_feed_free(progress->json);
    free(progress);
}

/* Not when somebody else has the terminal. */
static bool is_time_to_draw(struct progress *progress, double now)
{
    const double wait = progress->due || hpx_terminal_changed ? LEAST_SECONDS : REDRAW_SECONDS;
    if (!progress->draws || now - progress->drawn_at < wait)
        return false;
    progress->drawn_at = now;
    progress->due = false;
    return hpx_terminal_is_ours();
}

static void draw(struct progress *progress, const hpx_event *event)
{
    static const bool idle[HPX_EVENTS] = {[HPX_EVENT_SAID] = true, [HPX_EVENT_TICK] = true};
    static const bool steady[HPX_EVENTS] = {
        [HPX_EVENT_EPOCH] = true, [HPX_EVENT_PROGRESS] = true, [HPX_EVENT_TICK] = true};
    const double now = hpx_clock_seconds();
    hpx_buffer lines = {0};
    hpx_live_take(progress->live, event, now);
    if (event->kind >= HPX_EVENT_SCORE)
        return;
    progress->begun = progress->begun || !idle[event->kind];
    progress->due = progress->due || !steady[event->kind] || event->message;
    if (!progress->begun || !is_time_to_draw(progress, now))
        return;
    const hpx_screen screen = hpx_terminal_screen(STDERR_FILENO);
    hpx_live_draw(&lines, progress->live, &screen, now);
    hpx_terminal_draw(hpx_buffer_text(&lines));
    hpx_buffer_free(&lines);
}

/* A line of text for an event: a message, or how a trial has ended. */
static void say(const struct progress *progress, const hpx_event *event)
{
    char *name = event->cell ? hpx_live_trial_name(progress->recipe, event) : NULL;
    const bool minor = event->kind == HPX_EVENT_SAID || event->kind == HPX_EVENT_PROGRESS;
    if (event->message && !(minor && progress->quiet)) {
        hpx_say("%s%s%s", name ? name : "", name ? ": " : "", event->message);
    } else if (name && event->kind == HPX_EVENT_DONE && progress->lists) {
        char *line = hpx_format("%-6s %s: %.*f%s%s%s\n", hpx_verdict_names[event->verdict], name,
                                progress->recipe->objective.minimised ? 6 : 4, event->value,
                                event->reason ? "  (" : "", event->reason ? event->reason : "",
                                event->reason ? ")" : "");
        hpx_show_text(line);
        free(line);
    }
    free(name);
}

void hpx_progress_event(void *context, const hpx_event *event)
{
    struct progress *progress = context;
    if (progress->json) {
        hpx_buffer line = {0};
        hpx_feed_take(&line, progress->json, event);
        hpx_put_lines(&line);
        return;
    }
    if (event->message || event->kind == HPX_EVENT_DONE)
        say(progress, event);
    if (progress->live)
        draw(progress, event);
}

bool hpx_progress_fetch(void *context, const char *file, const char *from, uint64_t done, uint64_t total)
{
    struct progress *progress = context;
    if (strcmp(progress->fetching, file) != 0) {
        snprintf(progress->fetching, sizeof progress->fetching, "%s", file);
        if (!progress->quiet)
            hpx_say("fetching %s from %s", file, from);
    }
    progress->due = true;
    if (!is_time_to_draw(progress, hpx_clock_seconds()))
        return !hpx_interrupted;
    char *text = total ? hpx_format("%s: %.1f of %.1f MB", file, (double)done * 1e-6, (double)total * 1e-6)
                       : hpx_format("%s: %.1f MB", file, (double)done * 1e-6);
    hpx_terminal_draw(text);
    free(text);
    return !hpx_interrupted;
}
