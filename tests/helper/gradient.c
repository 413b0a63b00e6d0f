#include "gradient.h"

void gather_gradient(void *context, const hpx_gradient *part)
{
    float *whole = context;
    for (size_t i = 0; i < part->rows; i++)
        for (size_t j = 0; j < part->columns; j++)
            whole[part->offset + i * part->parameter_stride + j] = part->values[i * part->stride + j];
}

hpx_gradient whole_gradient(const float *values, size_t count)
{
    return (hpx_gradient){
        .values = values, .stride = count, .rows = 1, .columns = count, .parameter_stride = count};
}
