#include "report/spark.h"

#include <math.h>

const char *hpx_level_text(size_t level, bool utf8)
{
    static const char *const bars[HPX_LEVELS] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const digits[HPX_LEVELS] = {"1", "2", "3", "4", "5", "6", "7", "8"};
    return utf8 ? bars[level] : digits[level];
}

size_t hpx_level_of(double value, double low, double high)
{
    if (!(low < high) || value >= high)
        return HPX_LEVELS - 1;
    const double share = value > low ? (value - low) / (high - low) : 0;
    return (size_t)(share * (HPX_LEVELS - 1) + 0.5);
}

void hpx_spark(hpx_buffer *out, const double *values, size_t count, size_t width, bool utf8)
{
    const size_t shown = count < width ? count : width;
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        if (isfinite(values[i])) {
            low = fmin(low, values[i]);
            high = fmax(high, values[i]);
        }
    }
    for (size_t i = 0; i < shown; i++) {
        const double value = values[(i + 1) * count / shown - 1];
        hpx_buffer_puts(out, isfinite(value) ? hpx_level_text(hpx_level_of(value, low, high), utf8) : "x");
    }
}
