#include "core/train/features/half.h"

#include <string.h>

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint16_t to_half(float value) {
    uint32_t bits = bits_of(value), sign = bits >> 16 & 0x8000u;
    float magnitude = float_of(bits & 0x7fffffffu);
    magnitude = magnitude < 65504.0f ? magnitude : 65504.0f;
    uint32_t m = bits_of(magnitude);
    /* Below 2^-14 the step of a half is 2^-24, as for floats from 0.5 to 1, so the addition does the rounding. */
    uint32_t subnormal = bits_of(magnitude + 0.5f) - bits_of(0.5f);
    uint32_t normal = ((m + 0xfffu + (m >> 13 & 1u)) >> 13) - (112u << 10);
    return (uint16_t)(sign | (magnitude < 0x1p-14f ? subnormal : normal));
}

static float from_half(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16, m = half & 0x7fffu;
    float subnormal = (float)m * 0x1p-24f, normal = float_of((m << 13) + (112u << 23));
    return float_of(sign | bits_of(m < 0x400u ? subnormal : normal));
}

void insp_half_from_float(const float *values, size_t count, uint16_t *ret_half) {
    for (size_t i = 0; i < count; i++)
        ret_half[i] = to_half(values[i]);
}

void insp_half_to_float(const uint16_t *half, size_t count, float *ret_values) {
    for (size_t i = 0; i < count; i++)
        ret_values[i] = from_half(half[i]);
}
