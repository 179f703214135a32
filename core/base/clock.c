#include "core/base/clock.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_clock(clockid_t id) {
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t insp_mono_us(void) {
    return read_clock(CLOCK_MONOTONIC);
}

int64_t insp_wall_us(void) {
    return read_clock(CLOCK_REALTIME);
}

int64_t insp_cpu_us(void) {
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

void insp_rfc3339(int64_t wall_us, char *out) {
    int64_t seconds = wall_us / 1000000, micros = wall_us % 1000000;
    if (micros < 0) {
        micros += 1000000;
        seconds--;
    }
    time_t t = (time_t)seconds;
    struct tm tm;
    gmtime_r(&t, &tm);
    size_t n = strftime(out, INSP_RFC3339_BYTES, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + n, INSP_RFC3339_BYTES - n, ".%03dZ", (int)(micros / 1000));
}

static bool digits(const char **p, int count, int *ret) {
    int value = 0;
    for (int i = 0; i < count; i++, (*p)++) {
        if (!isdigit((unsigned char)**p))
            return false;
        value = value * 10 + (**p - '0');
    }
    *ret = value;
    return true;
}

static bool expect(const char **p, const char *set) {
    if (!**p || !strchr(set, **p))
        return false;
    (*p)++;
    return true;
}

static bool fraction(const char **p, int64_t *ret_micros) {
    *ret_micros = 0;
    if (**p != '.')
        return true;
    (*p)++;
    int64_t unit = 100000;
    int count = 0;
    for (; isdigit((unsigned char)**p); (*p)++, count++, unit /= 10)
        *ret_micros += (**p - '0') * unit;
    return count >= 1 && count <= 9;
}

static bool offset(const char **p, int *ret_seconds) {
    *ret_seconds = 0;
    if (**p == 'Z' || **p == 'z') {
        (*p)++;
        return true;
    }
    int sign = **p == '-' ? -1 : 1, hours, minutes;
    if (!expect(p, "+-") || !digits(p, 2, &hours) || !expect(p, ":") || !digits(p, 2, &minutes) || hours > 23 ||
        minutes > 59)
        return false;
    *ret_seconds = sign * (hours * 3600 + minutes * 60);
    return true;
}

bool insp_rfc3339_parse(const char *text, int64_t *ret_wall_us) {
    const char *p = text;
    int year, month, day, hour, minute, second, shift;
    int64_t micros;
    if (!digits(&p, 4, &year) || !expect(&p, "-") || !digits(&p, 2, &month) || !expect(&p, "-") ||
        !digits(&p, 2, &day) || !expect(&p, "Tt ") || !digits(&p, 2, &hour) || !expect(&p, ":") ||
        !digits(&p, 2, &minute) || !expect(&p, ":") || !digits(&p, 2, &second) || !fraction(&p, &micros) ||
        !offset(&p, &shift) || *p)
        return false;
    if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
        return false;
    struct tm tm = {.tm_year = year - 1900,
                    .tm_mon = month - 1,
                    .tm_mday = day,
                    .tm_hour = hour,
                    .tm_min = minute,
                    .tm_sec = second};
    time_t t = timegm(&tm);
    if (tm.tm_mday != day) /* timegm turned 31 February into March */
        return false;
    *ret_wall_us = ((int64_t)t - shift) * 1000000 + micros;
    return true;
}
