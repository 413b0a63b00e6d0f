/* How sure a number is, as numbers and in words. */
#include "study.h"

#include "base/memory.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ALPHA 0.05

struct effect effect_of(const double *values, size_t blocks)
{
    struct effect effect = {.blocks = blocks, .mean = NAN, .interval = {NAN, NAN}, .p = NAN};
    if (blocks == 0)
        return effect;
    double *tidied = hpx_alloc(blocks * sizeof *tidied);
    for (size_t i = 0; i < blocks; i++)
        tidied[i] = hpx_tidy(values[i]);
    effect.mean = hpx_interquartile_mean(tidied, blocks);
    effect.interval = hpx_resample_summary(hpx_interquartile_mean, tidied, blocks, NULL);
    if (blocks >= hpx_signed_rank_pairs(ALPHA))
        effect.p = hpx_signed_rank_test(tidied, blocks).p;
    free(tidied);
    return effect;
}

struct effect effect_of_difference(const double *a, const double *b, size_t blocks)
{
    double *values = hpx_alloc((blocks + 1) * sizeof *values);
    for (size_t i = 0; i < blocks; i++)
        values[i] = a[i] - b[i];
    const struct effect effect = effect_of(values, blocks);
    free(values);
    return effect;
}

struct effect effect_by_others(const struct lab *lab, const double *values)
{
    return effect_of(values, lab->blocks > 1 ? lab->blocks : 0);
}

/* What a method's incumbent lacks when so much is spent, between the costs that curves have. A method that has no result by
 * then is given its first one. */
static double regret_at(const hpx_contest *contest, const hpx_contender *search, size_t block, double cost)
{
    const double *curve = &search->curve[block * contest->cost_count], *costs = contest->costs;
    size_t at = 0;
    while (at + 1 < contest->cost_count && (isnan(curve[at]) || costs[at + 1] <= cost + 1e-9))
        at++;
    if (at + 1 == contest->cost_count || cost < costs[at])
        return curve[at];
    const double share = (cost - costs[at]) / (costs[at + 1] - costs[at]);
    return share > 1e-9 ? curve[at] + share * (curve[at + 1] - curve[at]) : curve[at];
}

struct effect lost_to(const struct lab *lab, const hpx_contest *contest, const hpx_contender *search,
                      const hpx_contender *other)
{
    double *values = hpx_alloc(lab->blocks * sizeof *values);
    for (size_t b = 0; b < lab->blocks; b++)
        values[b] = search->regret[b] - regret_at(contest, other, b, search->cost[b]);
    const struct effect effect = effect_of(values, lab->blocks);
    free(values);
    return effect;
}

struct effect share_of_cost(const struct lab *lab, const hpx_contender *search, const hpx_contender *beside)
{
    double *shares = hpx_alloc(lab->blocks * sizeof *shares);
    for (size_t b = 0; b < lab->blocks; b++)
        shares[b] = search->cost[b] / beside->cost[b];
    const struct effect effect = effect_of(shares, lab->blocks);
    free(shares);
    return effect;
}

void effects_adjust(struct effect *effects, size_t count)
{
    double *p = hpx_alloc(count * sizeof *p);
    bool enough = true;
    for (size_t i = 0; i < count; i++) {
        enough = enough && effects[i].blocks >= hpx_signed_rank_pairs(ALPHA / (double)count);
        p[i] = effects[i].p;
    }
    if (enough)
        hpx_holm(p, p, count);
    for (size_t i = 0; i < count; i++)
        effects[i].p = enough ? p[i] : (double)NAN;
    free(p);
}

int effect_sign(const struct effect *effect)
{
    if (effect->p >= ALPHA)
        return 0;
    return effect->interval.low > 0 ? 1 : effect->interval.high < 0 ? -1 : 0;
}

void put_effect(hpx_buffer *out, const struct effect *effect, double scale, int decimals)
{
    if (isnan(effect->mean)) {
        hpx_buffer_puts(out, NONE);
        return;
    }
    hpx_text_decimals(out, effect->mean * scale, decimals);
    if (isnan(effect->interval.low))
        return;
    hpx_buffer_puts(out, " [");
    hpx_text_decimals(out, effect->interval.low * scale, decimals);
    hpx_buffer_puts(out, ", ");
    hpx_text_decimals(out, effect->interval.high * scale, decimals);
    hpx_buffer_puts(out, "]");
}

void put_column(hpx_buffer *out, struct effect effect, double scale, int decimals)
{
    hpx_buffer_puts(out, " ");
    put_effect(out, &effect, scale, decimals);
    hpx_buffer_puts(out, " |");
}

void put_sureness(hpx_buffer *out, const struct effect *effect)
{
    hpx_buffer_printf(out, "%zu %s", effect->blocks, hpx_plural(effect->blocks, "block", "blocks"));
    if (effect->blocks < 2)
        hpx_buffer_puts(out, ", too few for an interval");
    else if (isnan(effect->p))
        hpx_buffer_puts(out, ", too few for a test");
    else
        hpx_buffer_printf(out, effect->p < 0.001 ? ", p < 0.001" : ", p = %.3f", effect->p);
}

/* With the texts in the places of %s. */
static void put_words(hpx_buffer *out, const char *words, const char *const texts[2])
{
    const char *at;
    for (size_t i = 0; i < 2 && (at = strstr(words, "%s")); i++) {
        hpx_buffer_add(out, words, (size_t)(at - words));
        hpx_buffer_puts(out, texts[i]);
        words = at + 2;
    }
    hpx_buffer_puts(out, words);
}

void put_contrast(hpx_buffer *out, const char *words, const char *more, const char *less,
                  const struct effect *given, double scale, int decimals)
{
    hpx_buffer number = {0};
    struct effect shown = *given;
    if (given->blocks == 0) {
        hpx_buffer_puts(out, study_no_seeds);
        return;
    }
    const bool is_same = given->blocks >= 2 && effect_sign(given) == 0, is_less = given->mean < 0;
    if (is_less) /* said as a positive number */
        shown = (struct effect){
            given->blocks, -given->mean, {-given->interval.high, -given->interval.low}, given->p};
    put_effect(&number, &shown, scale, decimals);
    if (is_same)
        hpx_buffer_puts(out, "no difference shows: ");
    put_words(out, words, (const char *const[]){hpx_buffer_text(&number), is_less ? less : more});
    hpx_buffer_puts(out, " (");
    put_sureness(out, given);
    hpx_buffer_puts(out, ")");
    hpx_buffer_free(&number);
}
