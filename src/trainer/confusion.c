#include "confusion.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* Keeps the most probable, in order. */
static void keep(hpx_confusion *confusion, const hpx_mistake *mistake)
{
    hpx_mistake *list = confusion->mistakes;
    size_t at = confusion->mistake_count;
    while (at > 0 && mistake->probability > list[at - 1].probability)
        at--;
    if (at == HPX_MISTAKES)
        return;
    if (confusion->mistake_count < HPX_MISTAKES)
        confusion->mistake_count++;
    memmove(&list[at + 1], &list[at], (confusion->mistake_count - at - 1) * sizeof *list);
    list[at] = *mistake;
}

static void count(hpx_confusion *confusion, const hpx_mistake *answered)
{
    confusion->counts[answered->label * confusion->classes + answered->answer]++;
    if (answered->label == answered->answer)
        confusion->right++;
    else
        keep(confusion, answered);
}

void hpx_confusion_count(hpx_confusion *out, const hpx_network *network, const hpx_samples *samples)
{
    enum { ROWS = 1024 };
    const uint32_t classes = network->classes;
    float *logits = hpx_alloc(ROWS * classes * sizeof *logits),
          *probabilities = hpx_alloc(ROWS * classes * sizeof *probabilities);
    *out = (hpx_confusion){.classes = classes, .images = samples->count};
    out->counts = hpx_alloc((size_t)classes * classes * sizeof *out->counts);
    for (uint32_t i = 0; i < samples->count; i++) {
        const size_t at = i % ROWS;
        if (at == 0)
            hpx_network_answer(network, logits, probabilities,
                               samples->pixels + (size_t)i * network->features,
                               samples->count - i < ROWS ? samples->count - i : ROWS);
        const uint32_t answer = hpx_network_class(network, logits + at * classes);
        count(out, &(hpx_mistake){.image = i,
                                  .label = samples->labels[i],
                                  .answer = answer,
                                  .probability = probabilities[at * classes + answer]});
    }
    free(probabilities);
    free(logits);
}

void hpx_confusion_free(hpx_confusion *confusion)
{
    free(confusion->counts);
    *confusion = (hpx_confusion){.classes = 0};
}
