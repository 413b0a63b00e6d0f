/* What the files of figures share: their text, and where values lie. */
#ifndef HPX_SVG_INSIDE_H
#define HPX_SVG_INSIDE_H

#include "svg/svg.h"

#define INK   "#24292f"
#define PAPER "#ffffff"
#define BLUE  "#0072b2"

struct hpx_svg {
    hpx_buffer text;
};

/* Two decimals at most; the same on every machine, for no digit depends on how a library rounds. */
void hpx_svg_put_number(hpx_svg *svg, double value);
void hpx_svg_put_attribute(hpx_svg *svg, const char *name, double value);
void hpx_svg_put_text(hpx_svg *svg, double x, double y, hpx_svg_anchor anchor, const char *attributes,
                      const char *text);
void hpx_svg_put_rectangle(hpx_svg *svg, double left, double top, double right, double bottom);

/* Where a value, not NaN, lies in the figure. */
double hpx_svg_place_x(const hpx_svg_plot *plot, double value);
double hpx_svg_place_y(const hpx_svg_plot *plot, double value);

#endif
