/* core/dataset/demo/demo_texture.h - the surface of the demo product: a woven carpet under a lamp. Pure functions
 * of a key; any thread. Coordinates are shares of the image's side, 0..1, so that one key looks the same at every
 * size.
 */
#ifndef INSP_DATASET_DEMO_DEMO_TEXTURE_H
#define INSP_DATASET_DEMO_DEMO_TEXTURE_H

#include <stdint.h>

/* A hash of two words (SplitMix64's mixer): the source of every random choice. */
uint64_t insp_demo_hash(uint64_t key, uint64_t word);

/* The hash as a number, low <= r < high. */
double insp_demo_uniform(uint64_t key, uint64_t word, double low, double high);

/* Smooth noise of wavelength 1, -1..1 (value noise: random corners, smoothstep between). */
double insp_demo_noise(uint64_t key, double x, double y);

struct insp_demo_carpet {
    uint64_t key;
    double sine, cosine;     /* the part lies a little askew under the camera */
    double shift_x, shift_y; /* and never at the same place */
    double light_x, light_y; /* centre of the lamp's cone */
    double brightness;
};

/* One part under the camera: pose and light are drawn from the key. */
struct insp_demo_carpet insp_demo_carpet_new(uint64_t key);

/* ret_rgb: linear in the camera's 8-bit values, 0..255 and a little beyond. */
void insp_demo_carpet_colour(const struct insp_demo_carpet *carpet, double x, double y, double ret_rgb[3]);

/* The lamp alone at a place, about 0.75..1.05: for what lies on the carpet. */
double insp_demo_carpet_light(const struct insp_demo_carpet *carpet, double x, double y);

#endif
