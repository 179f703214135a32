/* Draws a 2/2 twill: each weft thread passes over two warp threads and under two, shifted by one in every row.
 * Each thread has its own shade and tint, which makes the surface look like cloth. */
#include "core/dataset/demo/demo_texture.h"

#include "core/base/splitmix.h"

#include <math.h>
#include <stdbool.h>

enum { KEY_ANGLE = 1, KEY_SHIFT_X, KEY_SHIFT_Y, KEY_LIGHT_X, KEY_LIGHT_Y, KEY_BRIGHTNESS };
enum { FIELD_BEND_X = 16, FIELD_BEND_Y, FIELD_PATCHES, FIELD_FIBRES, FIELD_WARP, FIELD_WEFT, FIELD_GRAIN };

static const double THREADS = 32; /* along one side of the image */
static const double WARP_RGB[3] = {118, 128, 142}, WEFT_RGB[3] = {164, 152, 132};

uint64_t insp_demo_hash(uint64_t key, uint64_t word) {
    uint64_t state = key + word * INSP_SPLITMIX_STEP;
    return insp_splitmix(&state);
}

double insp_demo_uniform(uint64_t key, uint64_t word, double low, double high) {
    return low + (high - low) * ((double)(insp_demo_hash(key, word) >> 11) * 0x1p-53);
}

static double corner(uint64_t key, int64_t x, int64_t y) {
    return insp_demo_uniform(key, (uint64_t)x * UINT64_C(0xd1342543de82ef95) + (uint64_t)y, -1, 1);
}

static double smooth(double t) {
    return t * t * (3 - 2 * t);
}

double insp_demo_noise(uint64_t key, double x, double y) {
    double fx = floor(x), fy = floor(y);
    int64_t ix = (int64_t)fx, iy = (int64_t)fy;
    double u = smooth(x - fx), v = smooth(y - fy);
    double a = corner(key, ix, iy), b = corner(key, ix + 1, iy);
    double c = corner(key, ix, iy + 1), d = corner(key, ix + 1, iy + 1);
    double top = a + u * (b - a), bottom = c + u * (d - c);
    return top + v * (bottom - top);
}

struct insp_demo_carpet insp_demo_carpet_new(uint64_t key) {
    double angle = insp_demo_uniform(key, KEY_ANGLE, -0.05, 0.05); /* radians: +-3 degrees */
    return (struct insp_demo_carpet){.key = key,
                                     .sine = sin(angle),
                                     .cosine = cos(angle),
                                     .shift_x = insp_demo_uniform(key, KEY_SHIFT_X, 0, 64),
                                     .shift_y = insp_demo_uniform(key, KEY_SHIFT_Y, 0, 64),
                                     .light_x = insp_demo_uniform(key, KEY_LIGHT_X, 0.25, 0.75),
                                     .light_y = insp_demo_uniform(key, KEY_LIGHT_Y, 0.2, 0.6),
                                     .brightness = insp_demo_uniform(key, KEY_BRIGHTNESS, 0.94, 1.06)};
}

double insp_demo_carpet_light(const struct insp_demo_carpet *carpet, double x, double y) {
    double dx = x - carpet->light_x, dy = y - carpet->light_y;
    return carpet->brightness * (1.04 - 0.22 * (dx * dx + dy * dy));
}

/* Returns the shade of a thread: `across` -1..1 from edge to edge, `along` 0..1 over the two threads that it
 * covers. */
static double thread_shade(double across, double along) {
    double round = sqrt(fmax(0, 1 - 0.92 * across * across));
    double arch = sin(along * 3.14159265358979 * 0.94 + 0.1); /* it dives under its neighbours at both ends */
    return 0.42 + 0.38 * round + 0.2 * arch - 0.07 * across;  /* the light comes from the upper left */
}

void insp_demo_carpet_colour(const struct insp_demo_carpet *carpet, double x, double y, double ret_rgb[3]) {
    uint64_t key = carpet->key;
    double bend_x = 0.35 * insp_demo_noise(key + FIELD_BEND_X, x * 5, y * 5);
    double bend_y = 0.35 * insp_demo_noise(key + FIELD_BEND_Y, x * 5, y * 5);
    double u = (x * carpet->cosine - y * carpet->sine) * THREADS + carpet->shift_x + bend_x;
    double v = (x * carpet->sine + y * carpet->cosine) * THREADS + carpet->shift_y + bend_y;
    int64_t warp = (int64_t)floor(u), weft = (int64_t)floor(v);
    double fu = u - floor(u), fv = v - floor(v);

    unsigned phase = (unsigned)((uint64_t)(warp + weft) & 3); /* 0, 1: weft above; 2, 3: warp above */
    bool weft_above = phase < 2;
    double across = weft_above ? 2 * fv - 1 : 2 * fu - 1;
    /* Along the weft phase grows with u, along the warp with v. */
    double along = ((phase & 1) + (weft_above ? fu : fv)) / 2;
    const double *base = weft_above ? WEFT_RGB : WARP_RGB;
    uint64_t own = weft_above ? insp_demo_hash(key + FIELD_WEFT, (uint64_t)weft)
                              : insp_demo_hash(key + FIELD_WARP, (uint64_t)warp);

    double fibres = weft_above ? insp_demo_noise(key + FIELD_FIBRES, u * 1.2, v * 6)
                               : insp_demo_noise(key + FIELD_FIBRES, u * 6, v * 1.2);
    double shade = thread_shade(across, along) * (1 + 0.1 * fibres) * insp_demo_uniform(own, 0, 0.93, 1.05);
    shade *= 1 + 0.04 * insp_demo_noise(key + FIELD_PATCHES, x * 3, y * 3);
    shade *= insp_demo_carpet_light(carpet, x, y);
    double grain = 2.5 * insp_demo_noise(key + FIELD_GRAIN, x * 256, y * 256);
    double tint = insp_demo_uniform(own, 1, -4, 4);
    for (unsigned c = 0; c < 3; c++)
        ret_rgb[c] = base[c] * shade * 1.18 + grain + (c == 0 ? tint : c == 2 ? -tint : 0);
}
