/* core/dataset/demo/demo_texture.h - draws the surface of the demo product: a woven carpet under a lamp. Pure
 * functions of a key; any thread. Coordinates are shares of the image's side, 0..1, so that a key gives the same
 * picture at every size. */
#ifndef INSP_DATASET_DEMO_DEMO_TEXTURE_H
#define INSP_DATASET_DEMO_DEMO_TEXTURE_H

#include <stdint.h>

/* Hashes two words with SplitMix64's mixer: the source of every random choice. */
uint64_t insp_demo_hash(uint64_t key, uint64_t word);

/* Maps the hash to a number low <= r < high. */
double insp_demo_uniform(uint64_t key, uint64_t word, double low, double high);

/* Returns smooth noise of wavelength 1, -1..1 (value noise: random corners, smoothstep between). */
double insp_demo_noise(uint64_t key, double x, double y);

struct insp_demo_carpet {
    uint64_t key;
    double sine, cosine;     /* rotation of the part under the camera, within 3 degrees */
    double shift_x, shift_y; /* offset of the part, in threads */
    double light_x, light_y; /* centre of the lamp's cone */
    double brightness;       /* 0.94..1.06 */
};

/* Chooses the pose of a part and its light from the key. */
struct insp_demo_carpet insp_demo_carpet_new(uint64_t key);

/* Computes the colour at (x, y). ret_rgb is linear in the camera's 8-bit values: 0..255, not clamped. */
void insp_demo_carpet_colour(const struct insp_demo_carpet *carpet, double x, double y, double ret_rgb[3]);

/* Returns the lamp's brightness at (x, y), about 0.7..1.1, for objects on the carpet. */
double insp_demo_carpet_light(const struct insp_demo_carpet *carpet, double x, double y);

#endif
