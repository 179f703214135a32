#include "core/image/stats.h"

#include "core/base/cleanup.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SAMPLES_WANTED = 1 << 15,
    SATURATED_LEVEL = 254,
    CHANNELS = 3,
};
#define TAIL_SHARE 0.005 /* share of the samples ignored at each end: hot pixels, a line of text */

const char *insp_stat_name(enum insp_stat stat) {
    static const char *const names[] = {
#define X(symbol, name) name,
        INSP_STAT_TABLE(X)
#undef X
    };
    return names[stat];
}

struct counts {
    uint32_t level[CHANNELS][256];
    uint64_t samples, mean4, chroma, saturated; /* mean4: sum of red + 2 green + blue */
};

static unsigned least3(unsigned a, unsigned b, unsigned c) {
    unsigned ab = a < b ? a : b;
    return ab < c ? ab : c;
}

static unsigned greatest3(unsigned a, unsigned b, unsigned c) {
    unsigned ab = a > b ? a : b;
    return ab > c ? ab : c;
}

static void count_pixel(struct counts *counts, const uint8_t *p) {
    unsigned most = greatest3(p[0], p[1], p[2]);
    counts->level[0][p[0]]++;
    counts->level[1][p[1]]++;
    counts->level[2][p[2]]++;
    counts->samples++;
    counts->mean4 += p[0] + 2u * p[1] + p[2];
    counts->chroma += most - least3(p[0], p[1], p[2]);
    counts->saturated += most >= SATURATED_LEVEL;
}

static void count_row(struct counts *counts, const uint8_t *row, uint32_t width, uint32_t step) {
    uint64_t mean4 = 0, chroma = 0, saturated = 0;
    for (uint32_t x = 0; x < width; x += step) {
        const uint8_t *p = row + (size_t)x * CHANNELS;
        unsigned most = greatest3(p[0], p[1], p[2]);
        counts->level[0][p[0]]++;
        counts->level[1][p[1]]++;
        counts->level[2][p[2]]++;
        mean4 += p[0] + 2u * p[1] + p[2];
        chroma += most - least3(p[0], p[1], p[2]);
        saturated += most >= SATURATED_LEVEL;
    }
    counts->samples += (width + step - 1) / step;
    counts->mean4 += mean4;
    counts->chroma += chroma;
    counts->saturated += saturated;
}

/* Returns the level below which `tail` samples are, or above which they are with from_above. */
static unsigned quantile(const uint32_t level[256], uint64_t tail, bool from_above) {
    uint64_t seen = 0;
    for (unsigned i = 0; i < 256; i++) {
        unsigned at = from_above ? 255 - i : i;
        seen += level[at];
        if (seen > tail)
            return at;
    }
    return 0; /* unreachable: the levels hold all samples, more than the tail */
}

static void set_levels(const struct counts *counts, float *value) {
    uint64_t tail = (uint64_t)((double)counts->samples * TAIL_SHARE);
    unsigned dark = 255, bright = 0, spread = 0;
    for (size_t c = 0; c < CHANNELS; c++) {
        unsigned low = quantile(counts->level[c], tail, false), high = quantile(counts->level[c], tail, true);
        dark = low < dark ? low : dark;
        bright = high > bright ? high : bright;
        spread = high - low > spread ? high - low : spread;
    }
    double samples = (double)counts->samples;
    value[INSP_STAT_DARK] = (float)dark;
    value[INSP_STAT_BRIGHT] = (float)bright;
    value[INSP_STAT_SPREAD] = (float)spread;
    value[INSP_STAT_MEAN] = (float)((double)counts->mean4 / 4 / samples);
    value[INSP_STAT_SATURATED] = (float)((double)counts->saturated / samples);
    value[INSP_STAT_CHROMA] = (float)((double)counts->chroma / samples);
}

static uint32_t step_of(const struct insp_image *image) {
    uint32_t step = 1;
    while ((uint64_t)(image->width / step) * (image->height / step) > SAMPLES_WANTED)
        step++;
    return step;
}

static void count_all(const struct insp_image *image, uint32_t step, struct counts *counts) {
    for (uint32_t y = 0; y < image->height; y += step)
        count_row(counts, image->rgb + (size_t)y * image->width * CHANNELS, image->width, step);
}

static void set_values(const struct insp_image *image, const struct counts *counts, struct insp_image_stats *ret) {
    const struct insp_image_source *source = &image->source;
    uint32_t width = image->posted_width, height = image->posted_height;
    float *value = ret->value;
    value[INSP_STAT_SIDE] = (float)(width < height ? width : height);
    value[INSP_STAT_ASPECT] = (float)width / (float)height;
    value[INSP_STAT_BITS] = source->bits;
    value[INSP_STAT_BITS_GUESSED] = source->bits_guessed;
    value[INSP_STAT_ALPHA_IGNORED] = source->alpha_ignored;
    value[INSP_STAT_TRANSPARENT] = source->transparent;
    set_levels(counts, value);
}

void insp_image_stats(const struct insp_image *image, const struct insp_image *small,
                      struct insp_image_stats *ret) {
    struct counts counts;
    memset(&counts, 0, sizeof counts);
    count_all(image, step_of(image), &counts);
    set_values(image, &counts, ret);
    ret->laid_out = small != NULL;
    ret->value[INSP_STAT_SHARP] = small ? insp_sharpness_of(small) : NAN;
    if (small)
        insp_layout_of(small, &ret->layout);
}

/* Counts the samples on the grid that count; if the grid meets none, counts every pixel that does. */
static void count_kept(const struct insp_image *image, insp_keep_row *keep, const void *arg, uint8_t *row,
                       struct counts *counts) {
    for (uint32_t step = step_of(image);; step = 1) {
        for (uint32_t y = 0; y < image->height; y += step) {
            keep(arg, image->width, image->height, y, row);
            for (uint32_t x = 0; x < image->width; x += step)
                if (row[x])
                    count_pixel(counts, image->rgb + ((size_t)y * image->width + x) * CHANNELS);
        }
        if (counts->samples || step == 1)
            return;
    }
}

int insp_image_stats_within(const struct insp_image *image, const struct insp_image *small, insp_keep_row *keep,
                            const void *arg, struct insp_image_stats *ret, struct insp_error *reterr) {
    struct counts counts;
    if (!keep) {
        insp_image_stats(image, small, ret);
        return 0;
    }
    _cleanup_free_ uint8_t *row = malloc((size_t)image->width + 1);
    _cleanup_free_ uint8_t *mask = malloc((size_t)small->width * small->height + 1);
    if (!row || !mask)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to measure a picture");
    memset(&counts, 0, sizeof counts);
    count_kept(image, keep, arg, row, &counts);
    if (!counts.samples) /* the caller has checked that there is one */
        count_all(image, 1, &counts);
    set_values(image, &counts, ret);
    ret->laid_out = true;
    for (uint32_t y = 0; y < small->height; y++)
        keep(arg, small->width, small->height, y, mask + (size_t)y * small->width);
    ret->value[INSP_STAT_SHARP] = insp_sharpness_within(small, mask);
    insp_layout_of(small, &ret->layout);
    return 0;
}

struct insp_stat_ranges insp_stat_ranges_none(void) {
    struct insp_stat_ranges ranges = {.count = 0};
    for (size_t i = 0; i < INSP_STAT_COUNT; i++) {
        ranges.low[i] = 1;
        ranges.high[i] = 0;
    }
    return ranges;
}

bool insp_stat_known(const struct insp_stat_ranges *ranges, enum insp_stat stat) {
    return ranges->count && ranges->low[stat] <= ranges->high[stat];
}

void insp_stat_ranges_add(struct insp_stat_ranges *ranges, const struct insp_image_stats *stats) {
    for (size_t i = 0; i < INSP_STAT_COUNT; i++) {
        bool first = !ranges->count || ranges->low[i] > ranges->high[i];
        float value = stats->value[i];
        if (isnan(value))
            continue;
        ranges->low[i] = first || value < ranges->low[i] ? value : ranges->low[i];
        ranges->high[i] = first || value > ranges->high[i] ? value : ranges->high[i];
    }
    if (stats->laid_out)
        ranges->layout.largest =
            fmaxf(ranges->layout.largest, insp_layout_distance(&ranges->layout, &stats->layout));
    ranges->count++;
}
