/* core/image/decode/orientation.c - find the EXIF orientation in a TIFF structure (Exif 2.32, section 4.6.4, tag
 * 0x0112), and turn pixels by it. */
#include "core/image/decode/decode.h"

#include <string.h>

struct tiff {
    const uint8_t *bytes;
    size_t count;
    bool big_endian;
};

/* Returns 0 outside the bytes, a value that no field read here may have. */
static uint32_t read_number(const struct tiff *tiff, uint64_t at, unsigned bytes) {
    uint32_t value = 0;
    if (at + bytes > tiff->count)
        return 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint32_t)tiff->bytes[at + i] << 8 * (tiff->big_endian ? bytes - 1 - i : i);
    return value;
}

unsigned insp_exif_orientation(const void *bytes, size_t count) {
    enum { ENTRY_BYTES = 12, TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3 };
    struct tiff tiff = {.bytes = bytes, .count = count};
    if (count < 8 || (memcmp(bytes, "II*\0", 4) != 0 && memcmp(bytes, "MM\0*", 4) != 0))
        return 1;
    tiff.big_endian = tiff.bytes[0] == 'M';
    uint64_t directory = read_number(&tiff, 4, 4);
    uint32_t entries = read_number(&tiff, directory, 2);
    for (uint32_t i = 0; i < entries; i++) {
        uint64_t entry = directory + 2 + (uint64_t)i * ENTRY_BYTES;
        if (read_number(&tiff, entry, 2) != TAG_ORIENTATION)
            continue;
        uint32_t value = read_number(&tiff, entry + 8, 2);
        bool good = read_number(&tiff, entry + 2, 2) == TYPE_SHORT && value >= 1 && value <= 8;
        return good ? value : 1;
    }
    return 1;
}

/* Maps the upright picture to the stored one: transposed if its rows are stored as columns; x_back and y_back
 * if that stored direction runs backwards. */
struct turn {
    bool transposed, x_back, y_back;
};

static const struct turn TURNS[9] = {
    [1] = {false, false, false}, [2] = {false, true, false}, [3] = {false, true, true}, [4] = {false, false, true},
    [5] = {true, false, false},  [6] = {true, false, true},  [7] = {true, true, true},  [8] = {true, true, false},
};

int insp_image_make_upright(struct insp_image *image, struct insp_error *reterr) {
    enum { PIXEL = 3 };
    if (image->source.orientation <= 1 || image->source.orientation > 8)
        return 0;
    const struct turn turn = TURNS[image->source.orientation];
    uint32_t width = turn.transposed ? image->height : image->width;
    uint32_t height = turn.transposed ? image->width : image->height;
    uint8_t *upright = malloc((size_t)width * height * PIXEL);
    if (!upright)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to turn an image of %u x %u pixels", image->width,
                         image->height);
    uint8_t *out = upright;
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++, out += PIXEL) {
            uint32_t column = turn.transposed ? y : x, row = turn.transposed ? x : y;
            column = turn.x_back ? image->width - 1 - column : column;
            row = turn.y_back ? image->height - 1 - row : row;
            memcpy(out, image->rgb + ((size_t)row * image->width + column) * PIXEL, PIXEL);
        }
    }
    free(image->rgb);
    image->rgb = upright;
    image->width = width;
    image->height = height;
    if (turn.transposed) {
        uint32_t side = image->posted_width;
        image->posted_width = image->posted_height;
        image->posted_height = side;
    }
    return 0;
}
