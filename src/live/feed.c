#include "live/feed.h"

#include "base/memory.h"
#include "hpx/cell.h"
#include "report/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A trial that is in training, and the metrics of its newest epoch, for the line of its end. */
struct trial {
    hpx_hash key;
    hpx_metrics metrics;
};

struct hpx_feed {
    const hpx_recipe *recipe;
    struct trial *trials;
    size_t count, capacity;
};

static hpx_json begin(hpx_buffer *out, const char *name)
{
    hpx_json json = {.out = out};
    hpx_json_open_flat(&json, NULL, '{');
    hpx_json_text(&json, "event", name);
    return json;
}

static void end(hpx_json *json)
{
    hpx_json_close(json, '}');
}

static void add_cell(hpx_json *json, const char *name, const hpx_recipe *recipe, uint32_t cell)
{
    hpx_buffer pairs = {0};
    const char *axis, *value;
    hpx_recipe_cell(&pairs, recipe, cell);
    const hpx_cell whole = hpx_cell_of(&pairs);
    hpx_json_open(json, name, '{');
    for (size_t at = 0; hpx_cell_next(&at, &axis, &value, &whole);)
        hpx_json_value(json, axis, value);
    hpx_json_close(json, '}');
    hpx_buffer_free(&pairs);
}

static void add_metrics(hpx_json *json, const hpx_metrics *metrics)
{
    hpx_json_open(json, "metrics", '{');
    for (size_t i = 0; i < metrics->count; i++)
        hpx_json_real(json, metrics->list[i].name, metrics->list[i].value);
    hpx_json_close(json, '}');
}

hpx_feed *hpx_feed_new(hpx_buffer *out, const hpx_recipe *recipe, const hpx_recipe_search *const *searches,
                       size_t search_count)
{
    hpx_feed *feed = hpx_alloc(sizeof *feed);
    feed->recipe = recipe;
    hpx_json json = begin(out, "build_started");
    hpx_json_count(&json, "schema", 1);
    hpx_json_text(&json, "recipe", recipe->path);
    hpx_json_text(&json, "objective", recipe->objective.name);
    hpx_json_count(&json, "epochs", recipe->epochs);
    hpx_json_count(&json, "cells", hpx_grid_cells(&recipe->grid));
    hpx_json_open(&json, "seeds", '[');
    for (size_t i = 0; i < recipe->seed_count; i++)
        hpx_json_count(&json, NULL, recipe->seeds[i]);
    hpx_json_close(&json, ']');
    hpx_json_open(&json, "searches", '[');
    for (size_t i = 0; i < search_count; i++)
        hpx_json_text(&json, NULL, searches[i]->name);
    hpx_json_close(&json, ']');
    end(&json);
    return feed;
}

static void forget(hpx_feed *feed, size_t at)
{
    hpx_metrics_free(&feed->trials[at].metrics);
    feed->trials[at] = feed->trials[--feed->count];
}

void hpx_feed_free(hpx_feed *feed)
{
    if (!feed)
        return;
    while (feed->count > 0)
        forget(feed, 0);
    free(feed->trials);
    free(feed);
}

/* Where a trial is; `count`, if it is not there. */
static size_t find(const hpx_feed *feed, const hpx_hash *key)
{
    size_t at = 0;
    while (at < feed->count && !hpx_hash_equal(&feed->trials[at].key, key))
        at++;
    return at;
}

static void keep_metrics(hpx_feed *feed, const hpx_event *event)
{
    const size_t at = find(feed, event->key);
    if (at == feed->count) {
        feed->trials = hpx_grow(feed->trials, &feed->capacity, at + 1, sizeof *feed->trials);
        feed->trials[feed->count++] = (struct trial){.key = *event->key};
    }
    hpx_metrics_free(&feed->trials[at].metrics);
    feed->trials[at].metrics = hpx_metrics_copy(event->metrics);
}

/* --- trials ----------------------------------------------------------------------------------------------- */

static void add_trial(hpx_json *json, const hpx_feed *feed, const hpx_event *event)
{
    char hex[HPX_HASH_HEX_BYTES];
    hpx_json_text(json, "key", hpx_hash_hex(hex, event->key));
    add_cell(json, "cell", feed->recipe, event->number);
    hpx_json_count(json, "seed", event->seed);
}

static void add_start(hpx_json *json, const hpx_event *event)
{
    hpx_json_text(json, "verdict", hpx_verdict_names[event->verdict]);
    hpx_json_text(json, "reason", event->reason);
    hpx_json_count(json, "from", event->from);
    hpx_json_count(json, "epochs", event->epochs);
}

static void add_epoch(hpx_json *json, hpx_feed *feed, const hpx_event *event)
{
    static const hpx_metrics none;
    hpx_json_count(json, "epoch", event->epoch);
    hpx_json_count(json, "epochs", event->epochs);
    hpx_json_real(json, "score", event->value);
    add_metrics(json, event->metrics ? event->metrics : &none);
    hpx_json_real(json, "seconds_left", event->trial_left);
    if (event->kind == HPX_EVENT_EPOCH && event->metrics)
        keep_metrics(feed, event);
}

static void add_end(hpx_json *json, hpx_feed *feed, const hpx_event *event)
{
    static const hpx_metrics none;
    const size_t at = find(feed, event->key);
    hpx_json_text(json, "status",
                  event->kind == HPX_EVENT_DONE      ? "done"
                  : event->kind == HPX_EVENT_STOPPED ? "stopped"
                  : event->failed                    ? "failed"
                                                     : "accident");
    hpx_json_text(json, "verdict", hpx_verdict_names[event->verdict]);
    hpx_json_count(json, "epoch", event->epoch);
    hpx_json_real(json, "score", event->value);
    add_metrics(json, at < feed->count ? &feed->trials[at].metrics : &none);
    hpx_json_real(json, "seconds", event->trial_seconds);
    if (event->message)
        hpx_json_text(json, "message", event->message);
    if (at < feed->count)
        forget(feed, at);
}

/* How lines of trials are called. */
static const char *const trial_names[HPX_EVENTS] = {
    [HPX_EVENT_STARTED] = "trial_started", [HPX_EVENT_EPOCH] = "epoch",
    [HPX_EVENT_PROGRESS] = "progress",     [HPX_EVENT_DONE] = "trial_ended",
    [HPX_EVENT_FAILED] = "trial_ended",    [HPX_EVENT_STOPPED] = "trial_ended",
    [HPX_EVENT_WAITING] = "trial_waiting", [HPX_EVENT_POSTPONED] = "trial_postponed",
    [HPX_EVENT_PROOF] = "trial_proves",    [HPX_EVENT_PROVEN] = "trial_proven",
};

static void take_trial(hpx_buffer *out, hpx_feed *feed, const hpx_event *event)
{
    const hpx_event_kind kind = event->kind;
    hpx_json json = begin(out, trial_names[kind]);
    add_trial(&json, feed, event);
    if (kind == HPX_EVENT_STARTED)
        add_start(&json, event);
    else if (kind == HPX_EVENT_EPOCH || kind == HPX_EVENT_PROGRESS)
        add_epoch(&json, feed, event);
    else if (kind == HPX_EVENT_DONE || kind == HPX_EVENT_FAILED || kind == HPX_EVENT_STOPPED)
        add_end(&json, feed, event);
    else
        hpx_json_text(&json, "message", event->message);
    end(&json);
}

/* --- searches --------------------------------------------------------------------------------------------- */

static void take_visit(hpx_buffer *out, const hpx_feed *feed, const hpx_event *event)
{
    hpx_json json = begin(out, "visit");
    hpx_json_text(&json, "search", event->search->name);
    add_cell(&json, "cell", feed->recipe, event->number);
    hpx_json_count(&json, "epochs", event->epochs);
    hpx_json_real(&json, "score", event->value);
    hpx_json_count(&json, "evaluations", event->visits);
    end(&json);
}

static void take_arrival(hpx_buffer *out, const hpx_feed *feed, const hpx_event *event)
{
    hpx_json json = begin(out, "search_ended");
    hpx_json_text(&json, "search", event->search->name);
    add_cell(&json, "end", feed->recipe, event->result->end);
    hpx_json_real(&json, "score", event->value);
    add_cell(&json, "incumbent", feed->recipe, event->result->incumbent);
    hpx_json_text(&json, "stop", event->result->stop);
    hpx_json_count(&json, "evaluations", event->visits);
    end(&json);
}

void hpx_feed_take(hpx_buffer *out, hpx_feed *feed, const hpx_event *event)
{
    if (event->cell)
        take_trial(out, feed, event);
    else if (event->kind == HPX_EVENT_VISIT)
        take_visit(out, feed, event);
    else if (event->kind == HPX_EVENT_ARRIVED)
        take_arrival(out, feed, event);
    else if (event->message)
        hpx_feed_message(out, event->message);
}

void hpx_feed_end(hpx_buffer *out, const hpx_outcome *outcome, hpx_status status, double seconds)
{
    hpx_json json = begin(out, "build_ended");
    hpx_json_text(&json, "status",
                  status == HPX_OK            ? "done"
                  : status == HPX_INTERRUPTED ? "interrupted"
                                              : "failed");
    hpx_json_open(&json, "trials", '{');
    hpx_json_count(&json, "hit", outcome ? outcome->stored : 0);
    hpx_json_count(&json, "extend", outcome ? outcome->extended : 0);
    hpx_json_count(&json, "train", outcome ? outcome->trained : 0);
    hpx_json_count(&json, "failed", outcome ? outcome->failed : 0);
    hpx_json_close(&json, '}');
    hpx_json_real(&json, "seconds", seconds);
    end(&json);
}

void hpx_feed_message(hpx_buffer *out, const char *text)
{
    hpx_json json = begin(out, "message");
    hpx_json_text(&json, "message", text);
    end(&json);
}
