/* What a network answers for labelled images, counted, and where it is wrong while it is sure. */
#ifndef HPX_TRAINER_CONFUSION_H
#define HPX_TRAINER_CONFUSION_H

#include "nn/samples.h"
#include "trainer/network.h"

#include <stddef.h>
#include <stdint.h>

#define HPX_MISTAKES 12

typedef struct hpx_mistake {
    uint32_t image, label, answer;
    float probability; /* of the answer */
} hpx_mistake;

typedef struct hpx_confusion {
    uint32_t classes, images, right;
    uint32_t *counts; /* classes x classes: of images with a label (row), how often an answer */
    hpx_mistake
        mistakes[HPX_MISTAKES]; /* the most probable answers that are wrong; of equals the first image */
    size_t mistake_count;
} hpx_confusion;

void hpx_confusion_count(hpx_confusion *out, const hpx_network *network, const hpx_samples *samples);
void hpx_confusion_free(hpx_confusion *confusion); /* a zeroed one is fine */

#endif
