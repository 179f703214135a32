#include "core/dataset/demo/demo_defects.h"

#include <math.h>
#include <string.h>

enum { KEY_X = 64, KEY_Y, KEY_RADIUS, KEY_STRETCH, KEY_TURN, KEY_LENGTH, KEY_BEND, KEY_CURL, KEY_COLOUR };
enum { FIELD_EDGE = 96, FIELD_INSIDE, FIELD_TWIST };

static const double THREAD_RGB[][3] = {{236, 230, 214}, {172, 44, 40}, {44, 46, 54}, {222, 180, 62}};
static const double STAIN_RGB[][3] = {{0.48, 0.36, 0.26}, {0.36, 0.38, 0.44}, {0.55, 0.30, 0.28}};

static double mix(double a, double b, double share) {
    return a + share * (b - a);
}

/* Rises smoothly from 0 at low to 1 at high. */
static double step(double low, double high, double v) {
    double t = fmin(fmax((v - low) / (high - low), 0), 1);
    return t * t * (3 - 2 * t);
}

static void lay_thread(struct insp_demo_flaw *flaw, uint64_t key) {
    double length = insp_demo_uniform(key, KEY_LENGTH, 0.3, 0.5);
    double heading = insp_demo_uniform(key, KEY_TURN, 0, 6.2831853);
    double bend = insp_demo_uniform(key, KEY_BEND, -3.0, 3.0), curl = insp_demo_uniform(key, KEY_CURL, 0.4, 1.4);
    double piece = length / (INSP_DEMO_THREAD_POINTS - 1), x = 0, y = 0, middle_x = 0, middle_y = 0;
    for (unsigned i = 0; i < INSP_DEMO_THREAD_POINTS; i++) {
        double t = (double)i / (INSP_DEMO_THREAD_POINTS - 1);
        flaw->path[i][0] = x;
        flaw->path[i][1] = y;
        middle_x += x / INSP_DEMO_THREAD_POINTS;
        middle_y += y / INSP_DEMO_THREAD_POINTS;
        double at = heading + bend * t + curl * sin(t * 9 + bend);
        x += piece * cos(at);
        y += piece * sin(at);
    }
    for (unsigned i = 0; i < INSP_DEMO_THREAD_POINTS; i++) {
        flaw->path[i][0] += flaw->x - middle_x;
        flaw->path[i][1] += flaw->y - middle_y;
    }
}

struct insp_demo_flaw insp_demo_flaw_new(enum insp_demo_defect kind, uint64_t key) {
    struct insp_demo_flaw flaw = {.kind = kind, .key = key};
    double turn = insp_demo_uniform(key, KEY_TURN, 0, 3.14159265);
    uint64_t choice = insp_demo_hash(key, KEY_COLOUR);
    flaw.x = insp_demo_uniform(key, KEY_X, 0.22, 0.78);
    flaw.y = insp_demo_uniform(key, KEY_Y, 0.22, 0.78);
    flaw.stretch = insp_demo_uniform(key, KEY_STRETCH, 0.75, 1.35);
    flaw.sine = sin(turn);
    flaw.cosine = cos(turn);
    switch (kind) {
    case INSP_DEMO_GOOD:
        break;
    case INSP_DEMO_HOLE:
        flaw.radius = insp_demo_uniform(key, KEY_RADIUS, 0.042, 0.07);
        break;
    case INSP_DEMO_THREAD:
        flaw.radius = insp_demo_uniform(key, KEY_RADIUS, 0.0065, 0.0095);
        memcpy(flaw.rgb, THREAD_RGB[choice % INSP_COUNT(THREAD_RGB)], sizeof flaw.rgb);
        lay_thread(&flaw, key);
        break;
    case INSP_DEMO_STAIN:
        flaw.radius = insp_demo_uniform(key, KEY_RADIUS, 0.06, 0.1);
        memcpy(flaw.rgb, STAIN_RGB[choice % INSP_COUNT(STAIN_RGB)], sizeof flaw.rgb);
        break;
    }
    return flaw;
}

/* Returns the distance from the centre of an uneven ellipse, in units of the radius in that direction: 1 is the
 * edge. */
static double blob(const struct insp_demo_flaw *flaw, double x, double y, double roughness) {
    double dx = x - flaw->x, dy = y - flaw->y;
    double u = (dx * flaw->cosine + dy * flaw->sine) * flaw->stretch;
    double v = (dy * flaw->cosine - dx * flaw->sine) / flaw->stretch;
    double coarse = insp_demo_noise(flaw->key + FIELD_EDGE, x * 22, y * 22);
    double fine = insp_demo_noise(flaw->key + FIELD_EDGE, x * 110, y * 110);
    return sqrt(u * u + v * v) / flaw->radius + roughness * (0.7 * coarse + 0.3 * fine);
}

/* Draws the dark backing and the torn thread ends along the edge. */
static bool apply_hole(const struct insp_demo_flaw *flaw, const struct insp_demo_carpet *carpet, double x,
                       double y, double rgb[3]) {
    double at = blob(flaw, x, y, 0.3);
    if (at > 1.5)
        return false;
    double inside = 1 - step(0.88, 1.02, at), fray = step(0.9, 1.08, at) * (1 - step(1.1, 1.4, at));
    double depth = insp_demo_carpet_light(carpet, x, y) *
                   (24 + 9 * insp_demo_noise(flaw->key + FIELD_INSIDE, x * 90, y * 40) + 18 * step(0.5, 1, at));
    double strands = 1 + 0.22 * fray * (1 + insp_demo_noise(flaw->key + FIELD_INSIDE, x * 200, y * 200));
    static const double BACKING[3] = {1.06, 0.98, 0.9};
    for (unsigned c = 0; c < 3; c++)
        rgb[c] = mix(rgb[c] * strands, depth * BACKING[c], inside);
    return at <= 1;
}

/* Returns the distance from the thread's middle line. *ret_along is the position along the line, in points of
 * path. */
static double distance_to_path(const struct insp_demo_flaw *flaw, double x, double y, double *ret_along) {
    double best = 4;
    for (unsigned i = 0; i + 1 < INSP_DEMO_THREAD_POINTS; i++) {
        const double *a = flaw->path[i], *b = flaw->path[i + 1];
        double dx = b[0] - a[0], dy = b[1] - a[1];
        double t = ((x - a[0]) * dx + (y - a[1]) * dy) / (dx * dx + dy * dy);
        t = fmin(fmax(t, 0), 1);
        double ex = a[0] + t * dx - x, ey = a[1] + t * dy - y, square = ex * ex + ey * ey;
        if (square < best) {
            best = square;
            *ret_along = i + t;
        }
    }
    return sqrt(best);
}

static bool apply_thread(const struct insp_demo_flaw *flaw, const struct insp_demo_carpet *carpet, double x,
                         double y, double rgb[3]) {
    double along = 0, r = flaw->radius;
    if (fabs(x - flaw->x) > 0.55 || fabs(y - flaw->y) > 0.55)
        return false;
    double shadow = distance_to_path(flaw, x - 0.8 * r, y - 1.1 * r, &along);
    double darker = 1 - 0.45 * (1 - step(0.5 * r, 1.9 * r, shadow));
    double away = distance_to_path(flaw, x, y, &along) / r;
    double covers = 1 - step(0.8, 1.15, away);
    double twist =
        1 + 0.14 * sin(along * 5 + 2.2 * away) + 0.06 * insp_demo_noise(flaw->key + FIELD_TWIST, x * 180, y * 180);
    double shade = insp_demo_carpet_light(carpet, x, y) * twist * (0.62 + 0.38 * sqrt(fmax(0, 1 - away * away)));
    for (unsigned c = 0; c < 3; c++)
        rgb[c] = mix(rgb[c] * darker, flaw->rgb[c] * shade, covers);
    return away <= 1;
}

/* Draws a dried liquid: it darkens the threads without hiding them, most at its rim. */
static bool apply_stain(const struct insp_demo_flaw *flaw, double x, double y, double rgb[3]) {
    double at = blob(flaw, x, y, 0.34);
    if (at > 1.3)
        return false;
    double soaked = 1 - step(0.82, 1.12, at);
    double rim = step(0.6, 0.92, at) * soaked;
    double cloud = 0.08 * insp_demo_noise(flaw->key + FIELD_INSIDE, x * 30, y * 30);
    double strength = soaked * (0.84 + cloud) + 0.16 * rim;
    for (unsigned c = 0; c < 3; c++)
        rgb[c] *= mix(1, flaw->rgb[c], fmin(strength, 1));
    return at <= 1;
}

bool insp_demo_flaw_apply(const struct insp_demo_flaw *flaw, const struct insp_demo_carpet *carpet, double x,
                          double y, double rgb[3]) {
    switch (flaw->kind) {
    case INSP_DEMO_HOLE:
        return apply_hole(flaw, carpet, x, y, rgb);
    case INSP_DEMO_THREAD:
        return apply_thread(flaw, carpet, x, y, rgb);
    case INSP_DEMO_STAIN:
        return apply_stain(flaw, x, y, rgb);
    default:
        return false;
    }
}
