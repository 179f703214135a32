#include "core/dataset/image_loader.h"

#include "core/base/fs.h"
#include "core/base/lanes/thread.h"
#include "core/base/sha256.h"
#include "core/region/look.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

enum { THREADS_MAX = 16 };

struct entry {
    float *pixels; /* into the loader's block */
    bool ready;
    int code;
    struct insp_error error;
};

struct insp_image_loader {
    struct insp_image_loader_config config;
    size_t floats; /* of one image */
    float *block;
    struct entry *ring;     /* [config.ahead]; image i lies in ring[i % ahead] */
    pthread_mutex_t lock;   /* guards everything below, and each entry's ready */
    pthread_cond_t changed; /* an entry became ready or free, or stop was set */
    size_t taken;           /* images that threads have begun */
    size_t read;            /* images that the reader has received */
    bool stop;
    unsigned started;
    pthread_t thread[THREADS_MAX];
};

static int check_tiles(struct insp_tiles tiles, uint32_t width, uint32_t height, struct insp_error *reterr) {
    char text[INSP_TILES_TEXT_BYTES], most[INSP_TILES_TEXT_BYTES];
    if (insp_tiles_fit(tiles, width, height))
        return 0;
    const struct insp_tile_rect tile = insp_tiles_rect(tiles, 0, width, height);
    return insp_fail(
        reterr, INSP_E_DATASET,
        "%ux%u pixels are too few for %s tiles: a tile would have %ux%u pixels, fewer than the %dx%d that "
        "the network sees; at most %s fit",
        width, height, insp_tiles_text(tiles, text), tile.width, tile.height, INSP_TILE_PIXELS, INSP_TILE_PIXELS,
        insp_tiles_text(insp_tiles_most(width, height), most));
}

static int decode_bytes(const char *bytes, size_t count, const struct insp_media_type *type,
                        const struct insp_field *field, struct insp_tiles tiles,
                        const struct insp_transform *transform, const struct insp_image_limits *limits,
                        float *ret_pixels, struct insp_error *reterr) {
    _cleanup_(insp_image_freep) struct insp_image *image = NULL;
    _cleanup_free_ uint8_t *rgb = NULL;
    const struct insp_media_type sniff = {.media = INSP_MEDIA_UNKNOWN};
    unsigned side = transform->width > transform->height ? transform->width : transform->height;
    const bool tiled = insp_tiles_on(tiles);
    int r = insp_image_decode(bytes, count, type ? type : &sniff, tiled ? 0 : side, limits, &image, reterr);
    if (r == 0)
        r = check_tiles(tiles, image->posted_width, image->posted_height, reterr);
    if (r == 0)
        r = tiled ? insp_look_tiles(image, field, tiles, NULL, &rgb, reterr)
                  : insp_look(image, field, transform->width, transform->height, NULL, &rgb, reterr);
    const size_t picture = (size_t)3 * transform->width * transform->height;
    for (size_t t = 0; r == 0 && t < insp_tiles_count(tiles); t++)
        insp_transform_apply(transform, rgb + t * picture, ret_pixels + t * picture);
    return r;
}

/* Decodes a file for one input, or for those of its tiles. */
static int load(const char *path, const char *sha256, const struct insp_media_type *type,
                const struct insp_field *field, struct insp_tiles tiles, const struct insp_transform *transform,
                const struct insp_image_limits *limits, float *ret_pixels, struct insp_error *reterr) {
    _cleanup_free_ char *bytes = NULL;
    size_t count;
    int r = insp_read_file(path, limits->bytes, &bytes, &count, reterr);
    if (r < 0)
        return r;
    if (sha256) {
        char now[INSP_SHA256_HEX_BYTES];
        insp_sha256_hex(bytes, count, now);
        if (strcmp(now, sha256) != 0)
            return insp_fail(reterr, INSP_E_IMAGE, "%s changed while it was being read", path);
    }
    r = decode_bytes(bytes, count, type, field, tiles, transform, limits, ret_pixels, reterr);
    if (r < 0)
        insp_error_prefix(reterr, "%s", path);
    return r;
}

int insp_load_image(const char *path, const char *sha256, const struct insp_media_type *type,
                    const struct insp_field *field, const struct insp_transform *transform,
                    const struct insp_image_limits *limits, float *ret_pixels, struct insp_error *reterr) {
    return load(path, sha256, type, field, (struct insp_tiles){0, 0}, transform, limits, ret_pixels, reterr);
}

/* Waits until the next image's entry in the ring is free and claims the image. Returns false at the end. */
static bool take(struct insp_image_loader *loader, size_t *ret_index) {
    pthread_mutex_lock(&loader->lock);
    while (!loader->stop && loader->taken < loader->config.count &&
           loader->taken >= loader->read + loader->config.ahead)
        pthread_cond_wait(&loader->changed, &loader->lock);
    bool more = !loader->stop && loader->taken < loader->config.count;
    if (more)
        *ret_index = loader->taken++;
    pthread_mutex_unlock(&loader->lock);
    return more;
}

static void *load_images(void *arg) {
    struct insp_image_loader *loader = arg;
    const struct insp_image_loader_config *c = &loader->config;
    for (size_t i; take(loader, &i);) {
        struct entry *entry = &loader->ring[i % c->ahead];
        entry->code = load(c->path[i], c->sha256[i], c->type ? c->type[i] : NULL, c->field ? c->field[i] : NULL,
                           c->tiles, &c->transform, &c->limits, entry->pixels, &entry->error);
        pthread_mutex_lock(&loader->lock);
        entry->ready = true;
        pthread_cond_broadcast(&loader->changed);
        pthread_mutex_unlock(&loader->lock);
    }
    return NULL;
}

int insp_image_loader_new(const struct insp_image_loader_config *config, struct insp_image_loader **ret,
                          struct insp_error *reterr) {
    struct insp_image_loader *loader = calloc(1, sizeof *loader);
    if (!loader)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to load images");
    pthread_mutex_init(&loader->lock, NULL);
    pthread_cond_init(&loader->changed, NULL);
    loader->config = *config;
    loader->floats = insp_tiles_count(config->tiles) * 3 * config->transform.width * config->transform.height;
    loader->block = calloc(config->ahead, loader->floats * sizeof(float));
    loader->ring = calloc(config->ahead, sizeof *loader->ring);
    _cleanup_(insp_image_loader_freep) struct insp_image_loader *owned = loader;
    if (!loader->block || !loader->ring)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to hold %zu images", config->ahead);
    for (size_t i = 0; i < config->ahead; i++)
        loader->ring[i].pixels = loader->block + i * loader->floats;
    for (; loader->started < config->threads && loader->started < THREADS_MAX; loader->started++) {
        int r = insp_thread_start(&loader->thread[loader->started], "insp-loader", load_images, loader, reterr);
        if (r < 0)
            return r;
    }
    *ret = insp_take_ptr(owned);
    return 0;
}

void insp_image_loader_free(struct insp_image_loader *loader) {
    if (!loader)
        return;
    pthread_mutex_lock(&loader->lock);
    loader->stop = true;
    pthread_cond_broadcast(&loader->changed);
    pthread_mutex_unlock(&loader->lock);
    for (unsigned i = 0; i < loader->started; i++)
        pthread_join(loader->thread[i], NULL);
    pthread_cond_destroy(&loader->changed);
    pthread_mutex_destroy(&loader->lock);
    free(loader->ring);
    free(loader->block);
    free(loader);
}

int insp_image_loader_next(struct insp_image_loader *loader, float *ret_pixels, struct insp_error *reterr) {
    struct entry *entry = &loader->ring[loader->read % loader->config.ahead];
    pthread_mutex_lock(&loader->lock);
    while (!entry->ready)
        pthread_cond_wait(&loader->changed, &loader->lock);
    pthread_mutex_unlock(&loader->lock);
    int code = entry->code; /* the reader owns a ready entry until `read` advances */
    if (code < 0 && reterr)
        *reterr = entry->error;
    if (code == 0)
        memcpy(ret_pixels, entry->pixels, loader->floats * sizeof *ret_pixels);
    pthread_mutex_lock(&loader->lock);
    entry->ready = false;
    loader->read++;
    pthread_cond_broadcast(&loader->changed);
    pthread_mutex_unlock(&loader->lock);
    return code;
}
