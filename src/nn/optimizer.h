/* Optimizers and learning rate schedules. A step is a pure function of its arguments: what an optimizer
 * remembers is in the state arrays, and Adam's step count comes from the caller. */
#ifndef HPX_OPTIMIZER_H
#define HPX_OPTIMIZER_H

#include <stddef.h>
#include <stdint.h>

typedef enum hpx_optimizer_kind { HPX_ADAM, HPX_SGD } hpx_optimizer_kind;

#define HPX_OPTIMIZER_STATES_MAX 2

typedef struct hpx_optimizer {
    hpx_optimizer_kind kind;
    double weight_decay;          /* times the parameters, added to the gradients */
    double beta1, beta2, epsilon; /* HPX_ADAM */
    double momentum;              /* HPX_SGD */
    _Bool nesterov;
} hpx_optimizer;

/* Arrays of state, each as long as the parameters, all 0 at first: 2 for Adam (first and second moment), 1
 * for SGD with momentum (velocity), else 0. */
size_t hpx_optimizer_states(const hpx_optimizer *optimizer);

/* A part of a gradient: `count` derivatives, and the place of the first one's parameter among all. */
typedef struct hpx_gradient {
    const float *values;
    size_t offset, count;
} hpx_gradient;

/* One step of these parameters down the gradient with learning rate `rate`. `step` is 1 for the first step of
 * the training. A parameter's new value depends on nothing but its own old value, derivative and states. The
 * arrays, which hold all parameters, do not overlap. */
void hpx_optimizer_step(const hpx_optimizer *optimizer, float *parameters,
                        float *const states[HPX_OPTIMIZER_STATES_MAX], const hpx_gradient *gradient,
                        double rate, uint64_t step);

typedef enum hpx_schedule_kind { HPX_CONSTANT, HPX_STEP, HPX_COSINE } hpx_schedule_kind;

typedef struct hpx_schedule {
    hpx_schedule_kind kind;
    double rate;
    uint32_t step_epochs; /* HPX_STEP: the rate is multiplied by step_factor after every so many epochs */
    double step_factor;
    uint32_t last_epoch; /* HPX_COSINE */
} hpx_schedule;

/* The learning rate of an epoch, 1 for the first. */
double hpx_schedule_rate(const hpx_schedule *schedule, uint32_t epoch);

#endif
