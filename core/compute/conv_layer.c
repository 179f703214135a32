#include "core/compute/conv_layer.h"
#include "core/compute/pace.h"
#include "core/compute/team.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Decide how a layer is cut. A small U stays in cache, and each thread takes runs of tiles from input to
 * output alone, with V in its own L2. A large U should be read from memory once for as many tiles as possible:
 * all threads transform a long run together, then share out the panels. Figures tuned on Zen 4, 1 MiB of L2
 * per core. */
enum {
    OWN_U_FLOATS = 700 * 1024, /* up to this size each thread works alone */
    OWN_V_FLOATS = 130 * 1024, /* of one thread's run */
    SHARED_V_FLOATS = 2 << 20, /* of one shared run */
    HUGE_PAGE_BYTES = 2 << 20,
};

float *insp_conv_alloc(size_t floats) {
    size_t bytes;
    if (__builtin_mul_overflow(floats, sizeof(float), &bytes) || bytes > SIZE_MAX / 2)
        return NULL;
    size_t align = bytes >= HUGE_PAGE_BYTES ? HUGE_PAGE_BYTES : 64;
    void *memory = NULL;
    if (posix_memalign(&memory, align, bytes))
        return NULL;
    if (align == HUGE_PAGE_BYTES)
        (void)madvise(memory, bytes, MADV_HUGEPAGE); /* advice only: fewer TLB misses */
    return memory;
}

void insp_conv_scratch_clear(struct insp_conv_scratch *scratch) {
    free(scratch->floats);
    scratch->floats = NULL;
    scratch->capacity = 0;
}

int insp_conv_scratch_reserve(struct insp_conv_scratch *scratch, size_t floats, struct insp_error *reterr) {
    if (floats <= scratch->capacity)
        return 0;
    insp_conv_scratch_clear(scratch);
    scratch->floats = insp_conv_alloc(floats);
    if (!scratch->floats)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for %zu MiB of convolution scratch", (floats >> 18) + 1);
    scratch->capacity = floats;
    return 0;
}

/* --- weights --- */

static struct insp_wino wino_of(const struct insp_conv_shape *shape) {
    size_t step = shape->side % 4 == 0 ? 4 : 2, row_tiles = (size_t)shape->side / step;
    return (struct insp_wino){.in = (size_t)shape->in,
                              .out = (size_t)shape->out,
                              .side = (size_t)shape->side,
                              .step = step,
                              .points = (step + 2) * (step + 2),
                              .row_tiles = row_tiles,
                              .tiles = row_tiles * row_tiles,
                              .relu = true,
                              .pool = shape->pool_after};
}

static int no_memory_for(const struct insp_conv_shape *shape, struct insp_conv_layer *layer,
                         struct insp_error *reterr) {
    insp_conv_layer_clear(layer);
    return insp_fail(reterr, INSP_E_NOMEM, "no memory for the packed weights of features.%d", shape->index);
}

int insp_conv_layer_alloc(struct insp_conv_layer *layer, const struct insp_conv_kernel *kernel,
                          const struct insp_conv_shape *shape, struct insp_error *reterr) {
    *layer = (struct insp_conv_layer){.kernel = kernel, .shape = wino_of(shape)};
    const struct insp_wino *s = &layer->shape;
    layer->u = insp_conv_alloc(s->points * s->in * s->out);
    layer->bias = insp_conv_alloc(s->out);
    if (!layer->u || !layer->bias)
        return no_memory_for(shape, layer, reterr);
    memset(layer->bias, 0, s->out * sizeof(float));
    return 0;
}

int insp_conv_layer_init(struct insp_conv_layer *layer, const struct insp_conv_kernel *kernel,
                         const struct insp_conv_shape *shape, const struct insp_conv_weights *weights,
                         struct insp_error *reterr) {
    int r = insp_conv_layer_alloc(layer, kernel, shape, reterr);
    if (r)
        return r;
    const struct insp_wino *s = &layer->shape;
    memcpy(layer->bias, weights->bias, s->out * sizeof(float));
    for (size_t panel = 0; panel < s->out / kernel->columns; panel++)
        kernel->pack(s, weights->weight + panel * kernel->columns * s->in * 9,
                     layer->u + panel * s->points * s->in * kernel->columns);
    return 0;
}

/* Reorders one panel, [columns][in][9] -> [9][in][columns]. */
static void reorder_panel(size_t in, size_t columns, const float *weight, float *plain) {
    for (size_t i = 0; i < in; i++)
        for (size_t tap = 0; tap < 9; tap++)
            for (size_t c = 0; c < columns; c++)
                plain[(tap * in + i) * columns + c] = weight[(c * in + i) * 9 + tap];
}

int insp_conv_layer_init_plain(struct insp_conv_layer *layer, const struct insp_conv_kernel *kernel,
                               const struct insp_conv_shape *shape, const struct insp_conv_weights *weights,
                               struct insp_error *reterr) {
    *layer = (struct insp_conv_layer){.kernel = kernel, .shape = wino_of(shape)};
    const struct insp_wino *s = &layer->shape;
    const size_t panel_floats = 9 * s->in * kernel->columns;
    layer->plain = insp_conv_alloc(9 * s->in * s->out);
    layer->bias = insp_conv_alloc(s->out);
    if (!layer->plain || !layer->bias)
        return no_memory_for(shape, layer, reterr);
    memcpy(layer->bias, weights->bias, s->out * sizeof(float));
    for (size_t panel = 0; panel < s->out / kernel->columns; panel++)
        reorder_panel(s->in, kernel->columns, weights->weight + panel * panel_floats,
                      layer->plain + panel * panel_floats);
    return 0;
}

void insp_conv_layer_clear(struct insp_conv_layer *layer) {
    free(layer->u);
    free(layer->plain);
    free(layer->bias);
    layer->u = layer->plain = layer->bias = NULL;
}

/* --- activations --- */

size_t insp_conv_floats(size_t channels, size_t side, size_t n) {
    return n * channels * (side + 2) * (side + 2);
}

void insp_conv_border(float *blocked, size_t channels, size_t side, size_t n) {
    size_t row = (side + 2) * INSP_BLOCK;
    for (size_t plane = 0; plane < n * channels / INSP_BLOCK; plane++) {
        float *p = blocked + plane * row * (side + 2);
        memset(p, 0, row * sizeof *p);
        memset(p + row * (side + 1), 0, row * sizeof *p);
        for (size_t y = 1; y <= side; y++) {
            memset(p + y * row, 0, INSP_BLOCK * sizeof *p);
            memset(p + (y + 1) * row - INSP_BLOCK, 0, INSP_BLOCK * sizeof *p);
        }
    }
}

void insp_conv_block(const float *plain, size_t channels, size_t side, float *blocked) {
    insp_conv_border(blocked, channels, side, 1);
    for (size_t c = 0; c < channels; c++)
        for (size_t y = 0; y < side; y++) {
            float *to =
                blocked + ((c / INSP_BLOCK * (side + 2) + y + 1) * (side + 2) + 1) * INSP_BLOCK + c % INSP_BLOCK;
            for (size_t x = 0; x < side; x++)
                to[x * INSP_BLOCK] = plain[(c * side + y) * side + x];
        }
}

void insp_conv_unblock(const float *blocked, size_t channels, size_t side, float *plain) {
    for (size_t c = 0; c < channels; c++)
        for (size_t y = 0; y < side; y++) {
            const float *from =
                blocked + ((c / INSP_BLOCK * (side + 2) + y + 1) * (side + 2) + 1) * INSP_BLOCK + c % INSP_BLOCK;
            for (size_t x = 0; x < side; x++)
                plain[(c * side + y) * side + x] = from[x * INSP_BLOCK];
        }
}

/* --- running --- */

struct pass {
    const struct insp_conv_layer *layer;
    const float *src;
    float *dst;
    size_t tiles;                   /* of the batch */
    size_t run, v_floats, m_floats; /* tiles per run; floats of its V, and of one panel's products */
    size_t u_floats;                /* of one panel's U, where it is made in the pass; else 0 */
    float *memory;                  /* scratch */
    struct insp_tile_run now;       /* the run that all threads share */
};

/* m: a thread's memory, [products, U]. */
static void run_panel(const struct pass *pass, const struct insp_tile_run *run, size_t panel, const float *v,
                      float *m) {
    const struct insp_conv_layer *layer = pass->layer;
    const struct insp_wino *shape = &layer->shape;
    const size_t columns = layer->kernel->columns, pairs = shape->in * columns;
    const float *u = layer->plain ? m + pass->m_floats : layer->u + panel * shape->points * pairs;
    if (layer->plain)
        layer->kernel->expand(shape, layer->plain + panel * 9 * pairs, m + pass->m_floats);
    layer->kernel->panel(shape, run, panel, u, layer->bias + panel * columns, v, m, pass->dst);
}

/* Returns the run that begins with tile `first`. */
static struct insp_tile_run run_from(const struct pass *pass, size_t first) {
    size_t count = pass->tiles - first < pass->run ? pass->tiles - first : pass->run;
    return (struct insp_tile_run){.first = first, .count = count, .stride = count};
}

/* Computes a whole run in a thread's memory: [thread][V, products]. */
static void own_step(void *arg, size_t index, unsigned thread) {
    const struct pass *pass = arg;
    const struct insp_conv_layer *layer = pass->layer;
    const struct insp_tile_run run = run_from(pass, index * pass->run);
    float *v = pass->memory + (size_t)thread * (pass->v_floats + pass->m_floats);
    for (size_t block = 0; block < layer->shape.in / INSP_BLOCK; block++)
        layer->kernel->input(&layer->shape, &run, block, pass->src, v);
    for (size_t panel = 0; panel < layer->shape.out / layer->kernel->columns; panel++)
        run_panel(pass, &run, panel, v, v + pass->v_floats);
}

/* Steps of a run that all threads share. Memory: V, [thread][products, U]. */
static void input_step(void *arg, size_t block, unsigned thread) {
    const struct pass *pass = arg;
    (void)thread;
    pass->layer->kernel->input(&pass->layer->shape, &pass->now, block, pass->src, pass->memory);
}

static void panel_step(void *arg, size_t panel, unsigned thread) {
    const struct pass *pass = arg;
    run_panel(pass, &pass->now, panel, pass->memory,
              pass->memory + pass->v_floats + (size_t)thread * (pass->m_floats + pass->u_floats));
}

/* Lets each thread take whole runs. */
static void run_own(struct pass *pass, unsigned threads) {
    insp_team_run(threads, (pass->tiles + pass->run - 1) / pass->run, 1, own_step, pass);
}

/* Lets all threads work on one run after the other. */
static void run_shared(struct pass *pass, unsigned threads) {
    const struct insp_conv_layer *layer = pass->layer;
    for (size_t first = 0; first < pass->tiles; first += pass->run) {
        pass->now = run_from(pass, first);
        insp_team_run(threads, layer->shape.in / INSP_BLOCK, 1, input_step, pass);
        insp_team_run(threads, layer->shape.out / layer->kernel->columns, 1, panel_step, pass);
    }
}

int insp_conv_layer_run(const struct insp_conv_layer *layer, struct insp_conv_scratch *scratch, const float *src,
                        size_t n, float *dst, struct insp_error *reterr) {
    const struct insp_wino *shape = &layer->shape;
    bool own = !layer->plain && shape->points * shape->in * shape->out <= OWN_U_FLOATS;
    size_t most = (own ? OWN_V_FLOATS : SHARED_V_FLOATS) / (shape->points * shape->in);
    struct pass pass = {.layer = layer, .src = src, .dst = dst, .tiles = n * shape->tiles};
    pass.run = most < pass.tiles ? most : pass.tiles;
    pass.v_floats = shape->points * shape->in * pass.run;
    pass.m_floats = shape->points * layer->kernel->columns * pass.run;
    pass.u_floats = layer->plain ? shape->points * shape->in * layer->kernel->columns : 0;
    size_t floats = own ? scratch->threads * (pass.v_floats + pass.m_floats)
                        : pass.v_floats + scratch->threads * (pass.m_floats + pass.u_floats);
    int r = insp_conv_scratch_reserve(scratch, floats, reterr);
    if (r)
        return r;
    pass.memory = scratch->floats;
    insp_pace();
    insp_conv_border(dst, shape->out, shape->pool ? shape->side / 2 : shape->side, n);
    if (own)
        run_own(&pass, scratch->threads);
    else
        run_shared(&pass, scratch->threads);
    return 0;
}

/* --- which kernel --- */

const struct insp_conv_kernel *insp_conv_kernel_named(const char *name) {
#if defined __x86_64__
    if (!strcmp(name, "avx512"))
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("fma") ? &insp_conv_kernel_avx512
                                                                                  : NULL;
    if (!strcmp(name, "avx2"))
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &insp_conv_kernel_avx2 : NULL;
#endif
    return strcmp(name, insp_conv_kernel_generic.name) ? NULL : &insp_conv_kernel_generic;
}
