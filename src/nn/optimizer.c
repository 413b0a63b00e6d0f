/* Adam: D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1.
 * Momentum as PyTorch's SGD has it (without dampening): the velocity is not scaled by the rate, after I.
 * Sutskever, J. Martens, G. Dahl and G. Hinton, "On the importance of initialization and momentum in deep
 * learning", ICML 2013. Cosine schedule: I. Loshchilov and F. Hutter, "SGDR: stochastic gradient descent with
 * warm restarts", ICLR 2017, equation 5, without restarts.
 *
 * The loops are elementwise, so their result does not depend on the width of the vectors they are compiled
 * to. */
#include "nn/optimizer.h"

#include "path.h"
#include "vector.h"

#include <math.h>

size_t hpx_optimizer_states(const hpx_optimizer *optimizer)
{
    if (optimizer->kind == HPX_ADAM)
        return 2;
    return optimizer->momentum > 0 ? 1 : 0;
}

HPX_VECTORISED(static, step_adam,
               (const hpx_optimizer *o, float *parameters, float *first, float *second,
                const hpx_gradient *part, double rate, uint64_t step),
               (o, parameters, first, second, part, rate, step))
{
    /* rate * m_hat / (sqrt(v_hat) + epsilon) with the bias corrections taken out of the loop */
    const float size = (float)(rate / (1 - pow(o->beta1, (double)step)));
    const float root = (float)(1 / sqrt(1 - pow(o->beta2, (double)step)));
    const float keep1 = (float)o->beta1, take1 = (float)(1 - o->beta1);
    const float keep2 = (float)o->beta2, take2 = (float)(1 - o->beta2);
    const float epsilon = (float)o->epsilon, decay = (float)o->weight_decay;
    const float *restrict g = part->values;
    float *restrict w = parameters + part->offset;
    float *restrict m = first + part->offset, *restrict v = second + part->offset;
    for (size_t i = 0; i < part->count; i++) {
        float gradient = g[i] + decay * w[i];
        m[i] = keep1 * m[i] + take1 * gradient;
        v[i] = keep2 * v[i] + take2 * gradient * gradient;
        w[i] -= size * m[i] / (sqrtf(v[i]) * root + epsilon);
    }
}

HPX_VECTORISED(static, step_momentum,
               (const hpx_optimizer *o, float *parameters, float *velocities, const hpx_gradient *part,
                double rate),
               (o, parameters, velocities, part, rate))
{
    const float size = (float)rate, decay = (float)o->weight_decay, keep = (float)o->momentum;
    const float ahead = o->nesterov ? 1 : 0;
    const float *restrict g = part->values;
    float *restrict w = parameters + part->offset, *restrict v = velocities + part->offset;
    for (size_t i = 0; i < part->count; i++) {
        float gradient = g[i] + decay * w[i];
        v[i] = keep * v[i] + gradient;
        /* Nesterov looks ahead: gradient + keep * v; without it the direction is v. */
        w[i] -= size * (ahead != 0 ? gradient + keep * v[i] : v[i]);
    }
}

HPX_VECTORISED(static, step_plain,
               (const hpx_optimizer *o, float *parameters, const hpx_gradient *part, double rate),
               (o, parameters, part, rate))
{
    const float size = (float)rate, decay = (float)o->weight_decay;
    const float *restrict g = part->values;
    float *restrict w = parameters + part->offset;
    for (size_t i = 0; i < part->count; i++)
        w[i] -= size * (g[i] + decay * w[i]);
}

void hpx_optimizer_step(const hpx_optimizer *optimizer, float *parameters,
                        float *const states[HPX_OPTIMIZER_STATES_MAX], const hpx_gradient *gradient,
                        double rate, uint64_t step)
{
    if (optimizer->weight_decay > 0)
        hpx_path_take(HPX_PATH_DECAY);
    if (optimizer->kind == HPX_ADAM) {
        hpx_path_take(HPX_PATH_ADAM);
        step_adam(optimizer, parameters, states[0], states[1], gradient, rate, step);
    } else if (optimizer->momentum > 0) {
        hpx_path_take(optimizer->nesterov ? HPX_PATH_NESTEROV : HPX_PATH_MOMENTUM);
        step_momentum(optimizer, parameters, states[0], gradient, rate);
    } else {
        hpx_path_take(HPX_PATH_PLAIN);
        step_plain(optimizer, parameters, gradient, rate);
    }
}

double hpx_schedule_rate(const hpx_schedule *schedule, uint32_t epoch)
{
    switch (schedule->kind) {
    case HPX_STEP:
        hpx_path_take(epoch > schedule->step_epochs ? HPX_PATH_STEP_AFTER : HPX_PATH_STEP_BEFORE);
        return schedule->rate * pow(schedule->step_factor, (double)((epoch - 1) / schedule->step_epochs));
    case HPX_COSINE:
        hpx_path_take(epoch > 1 ? HPX_PATH_COSINE_LATER : HPX_PATH_COSINE_FIRST);
        return schedule->rate * (1 + cos(M_PI * (double)(epoch - 1) / (double)schedule->last_epoch)) / 2;
    case HPX_CONSTANT:
        hpx_path_take(HPX_PATH_CONSTANT);
        break;
    }
    return schedule->rate;
}
