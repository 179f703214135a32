/* core/line/station.h - hold the handshake of one station: a camera, and the PLC that lets its parts pass or not.
 *
 * The rules are fail-safe: a part passes only while GOOD stands, and GOOD stands only for the result that the PLC
 * waits for. A result stands until the PLC acknowledges it, or until its trigger falls. It is withdrawn when
 * the next trigger rises, when `enable` falls, and when the PLC's heartbeat has not changed for 3 s (limit_us),
 * because it would then belong to a part that has gone. A result that arrives while another stands is an overrun:
 * PLC and camera no longer count the same parts. From then on every part is a reject until the PLC acknowledges
 * the error.
 *
 * No protocol, no clock, no lock: each call has the time (monotonic, microseconds). One thread at a time. */
#ifndef INSP_LINE_STATION_H
#define INSP_LINE_STATION_H

#include "core/base/uuid.h"
#include "core/image/box.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    INSP_STATION_BEAT_US = 3 * 1000000, /* limit_us of a station that has none */
    INSP_STATION_PART_BYTES = 33,       /* a part's id: at most 32 bytes of ASCII */
};

/* Numbers of input register 1; a public contract. */
enum insp_station_verdict { INSP_STATION_UNDECIDED, INSP_STATION_GOOD, INSP_STATION_ANOMALY, INSP_STATION_REVIEW };

/* Numbers of input register 4; a public contract. */
enum insp_station_error {
    INSP_STATION_NO_ERROR,
    INSP_STATION_NO_VERDICT, /* the inspection was refused or failed */
    INSP_STATION_DEADLINE,   /* no result within the PLC's deadline, or the inspection's deadline passed */
    INSP_STATION_LATE,       /* the verdict came later than the takt of its product */
    INSP_STATION_OVERRUN,    /* a result came before the PLC had acknowledged the one before */
    INSP_STATION_PRODUCT,    /* the picture was inspected as another product than the PLC's */
    INSP_STATION_CAMERA,     /* the camera or its grabber is away: the trigger took no picture */
};

struct insp_station_result {
    enum insp_station_verdict verdict; /* with an error it is presented as undecided */
    enum insp_station_error error;
    float probability, threshold;       /* 0..1; 0 if undecided by a failure */
    uint32_t latency_ms;                /* from the headers to the result */
    uint32_t part_number;               /* set by the station: the PLC's, as it was at the trigger or the result */
    char part[INSP_STATION_PART_BYTES]; /* "": the PLC's */
    char id[INSP_UUID_BYTES];           /* of the inspection; "" without one */
    struct insp_box box;                /* the first; zeros without one */
};

/* The coils, in the order of their numbers. */
enum insp_station_coil {
    INSP_COIL_ENABLE,
    INSP_COIL_TRIGGER,
    INSP_COIL_RESET,
    INSP_COIL_ACKNOWLEDGE,
    INSP_COIL_ERROR_ACKNOWLEDGE,
    INSP_COIL_HEARTBEAT,
    INSP_COILS
};

/* The PLC's description of its part. */
struct insp_station_part {
    uint16_t product; /* index; 0: any */
    uint32_t number;
    char id[INSP_STATION_PART_BYTES];
    uint16_t deadline_ms; /* from the rise of the trigger to the result; 0: none */
};

/* The address of a PLC; IPv4 mapped into IPv6. */
struct insp_station_writer {
    uint8_t address[16];
};

struct insp_station {
    bool coil[INSP_COILS];         /* as written last; change them with insp_station_write */
    struct insp_station_part part; /* the caller's to write */
    int64_t limit_us;              /* longest time between two changes of the PLC's heartbeat; the caller's; 0:
                                      INSP_STATION_BEAT_US */
    unsigned in_flight;            /* inspections of the camera: the caller's to count */

    /* read only */
    struct insp_station_result result; /* the last that was presented */
    struct insp_station_result held;   /* while `holds` */
    enum insp_station_error error;     /* until the PLC acknowledges it, or a result without an error follows */
    bool valid;                        /* `result` stands */
    bool holds;                        /* `held` follows once the PLC's acknowledgement has fallen */
    bool overrun;                      /* until the PLC acknowledges the error */
    uint16_t sequence;                 /* +1 per presented result */
    uint32_t inspections, anomalies;   /* results since the PLC's reset, presented or not */
    uint64_t overruns, rejects, goods; /* since the start; rejects and goods: presented results */
    uint64_t triggers;                 /* rises of the trigger since the start, while `enable` was set */

    /* private, but `triggered` may be read */
    bool waits;      /* triggered, and no result yet */
    bool timed_out;  /* the deadline was presented in place of the trigger's result */
    bool beaten;     /* the PLC's heartbeat has changed since the start */
    int64_t beat_us; /* its last change */
    int64_t from_us; /* results of images that began to arrive earlier belong to parts that have gone */
    int64_t rise_us; /* of the trigger */
    struct insp_station_part triggered; /* `part` at that time */
    struct insp_station_writer writer;  /* the PLC whose heartbeat changed last */
};

/* Says whether the PLC's heartbeat has changed within limit_us. */
bool insp_station_alive(const struct insp_station *station, int64_t now_us);

/* Says whether this PLC may write: no other one's heartbeat beats. */
bool insp_station_may_write(const struct insp_station *station, const struct insp_station_writer *writer,
                            int64_t now_us);

/* Writes coils first .. first + count - 1. The heartbeat takes effect first, the others in the order of their
 * numbers. The caller has asked insp_station_may_write, and called insp_station_turn for now_us. */
void insp_station_write(struct insp_station *station, const struct insp_station_writer *writer, unsigned first,
                        unsigned count, const bool *values, int64_t now_us);

/* Lets time pass: deadline and heartbeat of the PLC. Call it before each use of the station. */
void insp_station_turn(struct insp_station *station, int64_t now_us);

/* Offers a result of the camera, whose headers arrived at started_us. Presents, holds or drops it by the rules
 * above: drops it while the PLC is away or has not set `enable`, while an overrun stands, after the trigger's
 * deadline, and if its image had begun to arrive before that ended or before the trigger rose. */
void insp_station_offer(struct insp_station *station, const struct insp_station_result *result, int64_t started_us,
                        int64_t now_us);

/* Says whether the station is ready for the next part: the daemon is, the PLC beats and has set `enable`, and no
 * overrun stands. */
bool insp_station_ready(const struct insp_station *station, bool daemon_ready, int64_t now_us);

/* Says whether the part may pass. The opposite is a reject, also at the start. */
bool insp_station_good(const struct insp_station *station);

#endif
