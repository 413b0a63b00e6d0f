/* What `hpx compare --json` says of the searches, read into what figures of it need. */
#include "inside.h"

#include "base/memory.h"
#include "base/text.h"
#include "program/json.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

void hpx_page_contest_free(struct contest *contest)
{
    if (!contest)
        return;
    for (size_t i = 0; i < contest->count; i++) {
        free(contest->contenders[i].name);
        free(contest->contenders[i].curve);
    }
    for (size_t i = 0; i < contest->share_count; i++)
        free(contest->shares[i].axes);
    free(contest->contenders);
    free(contest->shares);
    free(contest->objective);
    free(contest);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static const struct point nowhere = {NAN, NAN, NAN, NAN};

/* Elements come in their order: one that is not there yet is the next. */
static struct contender *contender_at(struct contest *contest, size_t i)
{
    if (i >= contest->count) {
        contest->contenders = hpx_grow(contest->contenders, &contest->capacity, contest->count + 1,
                                       sizeof *contest->contenders);
        contest->contenders[contest->count++] = (struct contender){.end = nowhere, .mean_rank = NAN};
    }
    return &contest->contenders[contest->count - 1];
}

static struct point *point_at(struct contender *contender, size_t i)
{
    if (i >= contender->count) {
        contender->curve =
            hpx_grow(contender->curve, &contender->capacity, contender->count + 1, sizeof *contender->curve);
        contender->curve[contender->count++] = nowhere;
    }
    return &contender->curve[contender->count - 1];
}

static struct share *share_at(struct contest *contest, size_t i)
{
    if (i >= contest->share_count) {
        contest->shares = hpx_grow(contest->shares, &contest->share_capacity, contest->share_count + 1,
                                   sizeof *contest->shares);
        contest->shares[contest->share_count++] = (struct share){.share = NAN};
    }
    return &contest->shares[contest->share_count - 1];
}

/* Whether a path is that of the pattern; each # in it is an index. */
static bool is_at(size_t indices[2], const char *path, const char *pattern)
{
    for (size_t count = 0; *pattern; pattern++) {
        if (*pattern != '#') {
            if (*path++ != *pattern)
                return false;
            continue;
        }
        const size_t digits = strspn(path, "0123456789");
        if (digits == 0 || digits > 9)
            return false;
        indices[count++] = strtoul(path, NULL, 10);
        path += digits;
    }
    return !*path;
}

static void set_text(char **out, const hpx_json_pair *value)
{
    free(*out);
    *out = value->text ? hpx_strdup(value->text) : NULL;
}

static void add_axis(struct share *share, const char *name)
{
    char *joined = share->axes ? hpx_format("%s × %s", share->axes, name) : hpx_strdup(name);
    free(share->axes);
    share->axes = joined;
}

/* A number of a contender, or of a point of its curve. */
static void take_number(struct contest *contest, const char *path, double number)
{
    static const struct {
        const char *pattern;
        size_t field;
        bool of_curve;
    } numbers[] = {
        {"searches.#.cost", offsetof(struct contender, end.cost)},
        {"searches.#.regret.mean", offsetof(struct contender, end.mean)},
        {"searches.#.regret.low", offsetof(struct contender, end.low)},
        {"searches.#.regret.high", offsetof(struct contender, end.high)},
        {"searches.#.mean_rank", offsetof(struct contender, mean_rank)},
        {"searches.#.curve.#.cost", offsetof(struct point, cost), true},
        {"searches.#.curve.#.mean", offsetof(struct point, mean), true},
        {"searches.#.curve.#.low", offsetof(struct point, low), true},
        {"searches.#.curve.#.high", offsetof(struct point, high), true},
    };
    size_t at[2];
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (!is_at(at, path, numbers[i].pattern))
            continue;
        struct contender *contender = contender_at(contest, at[0]);
        char *whole = numbers[i].of_curve ? (char *)point_at(contender, at[1]) : (char *)contender;
        memcpy(whole + numbers[i].field, &number, sizeof number);
    }
}

static void take_value(void *context, const char *path, const hpx_json_pair *value)
{
    struct contest *contest = context;
    const double number = value->kind == HPX_JSON_NUMBER ? value->number : NAN;
    size_t at[2];
    if (strcmp(path, "schema") == 0)
        contest->schema = number;
    else if (strcmp(path, "objective") == 0)
        set_text(&contest->objective, value);
    else if (is_at(at, path, "searches.#.name"))
        set_text(&contender_at(contest, at[0])->name, value);
    else if (is_at(at, path, "importance.shares.#.axes.#"))
        add_axis(share_at(contest, at[0]), value->text ? value->text : "");
    else if (is_at(at, path, "importance.shares.#.share"))
        share_at(contest, at[0])->share = number;
    else
        take_number(contest, path, number);
}

static bool is_whole(const struct contest *contest)
{
    bool whole = contest->schema == 1 && contest->objective && contest->count > 0;
    for (size_t i = 0; i < contest->count && whole; i++)
        whole = contest->contenders[i].name && contest->contenders[i].count > 0;
    for (size_t i = 0; i < contest->share_count && whole; i++)
        whole = contest->shares[i].axes && !isnan(contest->shares[i].share);
    return whole;
}

hpx_status hpx_page_compare(hpx_page *page, const char *path, const hpx_buffer *bytes, hpx_error *error)
{
    const char *objective = page->recipe->objective.name;
    struct contest *contest = hpx_alloc(sizeof *contest);
    hpx_status status = HPX_OK;
    if (!hpx_json_document((const char *)bytes->data, bytes->size, take_value, contest) || !is_whole(contest))
        status = hpx_error_set(error, HPX_USAGE, "%s: not what `hpx compare --json` prints", path);
    else if (strcmp(contest->objective, objective) != 0)
        status = hpx_error_set(error, HPX_USAGE, "%s: compares by %s, but the recipe's objective is %s", path,
                               contest->objective, objective);
    hpx_page_contest_free(page->contest);
    page->contest = status ? NULL : contest;
    if (status)
        hpx_page_contest_free(contest);
    return status;
}
