#include "core/line/station.h"

#include <stdio.h>
#include <string.h>

bool insp_station_alive(const struct insp_station *station, int64_t now_us) {
    const int64_t limit_us = station->limit_us ? station->limit_us : INSP_STATION_BEAT_US;
    return station->beaten && now_us - station->beat_us <= limit_us;
}

bool insp_station_may_write(const struct insp_station *station, const struct insp_station_writer *writer,
                            int64_t now_us) {
    return !insp_station_alive(station, now_us) || !memcmp(&station->writer, writer, sizeof *writer);
}

bool insp_station_ready(const struct insp_station *station, bool daemon_ready, int64_t now_us) {
    return daemon_ready && station->coil[INSP_COIL_ENABLE] && insp_station_alive(station, now_us) &&
           !station->overrun;
}

bool insp_station_good(const struct insp_station *station) {
    return station->valid && !station->overrun && station->result.verdict == INSP_STATION_GOOD;
}

static void withdraw(struct insp_station *station) {
    station->valid = station->holds = station->waits = false;
}

static void present(struct insp_station *station, const struct insp_station_result *result) {
    station->result = *result;
    station->error = result->error;
    if (result->error)
        station->result.verdict = INSP_STATION_UNDECIDED;
    station->valid = true;
    station->sequence++;
    *(insp_station_good(station) ? &station->goods : &station->rejects) += 1;
}

/* --- the PLC --- */

static void rise(struct insp_station *station, enum insp_station_coil coil, int64_t now_us) {
    switch (coil) {
    case INSP_COIL_TRIGGER:
        withdraw(station);
        station->waits = true;
        station->timed_out = false;
        station->rise_us = station->from_us = now_us;
        station->triggered = station->part;
        station->triggers += station->coil[INSP_COIL_ENABLE];
        break;
    case INSP_COIL_ENABLE:
        station->from_us = now_us;
        break;
    case INSP_COIL_RESET:
        station->inspections = station->anomalies = 0;
        break;
    case INSP_COIL_ACKNOWLEDGE:
        station->valid = false;
        break;
    case INSP_COIL_ERROR_ACKNOWLEDGE:
        station->error = INSP_STATION_NO_ERROR;
        if (station->overrun) {
            withdraw(station);
            station->from_us = now_us;
        }
        station->overrun = false;
        break;
    default:
        break;
    }
}

static void fall(struct insp_station *station, enum insp_station_coil coil) {
    switch (coil) {
    case INSP_COIL_ENABLE:
    case INSP_COIL_TRIGGER:
        withdraw(station);
        break;
    case INSP_COIL_ACKNOWLEDGE:
        if (station->holds)
            present(station, &station->held);
        station->holds = false;
        break;
    default:
        break;
    }
}

static void beat(struct insp_station *station, const struct insp_station_writer *writer, int64_t now_us) {
    if (!insp_station_alive(station, now_us))
        station->from_us = now_us;
    station->beaten = true;
    station->beat_us = now_us;
    station->writer = *writer;
}

void insp_station_write(struct insp_station *station, const struct insp_station_writer *writer, unsigned first,
                        unsigned count, const bool *values, int64_t now_us) {
    const unsigned heartbeat = INSP_COIL_HEARTBEAT - first;
    if (first <= INSP_COIL_HEARTBEAT && heartbeat < count &&
        values[heartbeat] != station->coil[INSP_COIL_HEARTBEAT])
        beat(station, writer, now_us);
    for (unsigned i = 0; i < count && first + i < INSP_COILS; i++) {
        bool *coil = &station->coil[first + i], before = *coil;
        *coil = values[i];
        if (*coil && !before)
            rise(station, (enum insp_station_coil)(first + i), now_us);
        else if (!*coil && before)
            fall(station, (enum insp_station_coil)(first + i));
    }
}

/* --- time and results --- */

/* Fills in what the PLC has told about the part. */
static void name_part(const struct insp_station_part *part, struct insp_station_result *result) {
    result->part_number = part->number;
    if (!result->part[0])
        memcpy(result->part, part->id, sizeof result->part);
}

void insp_station_turn(struct insp_station *station, int64_t now_us) {
    if (!insp_station_alive(station, now_us))
        withdraw(station);
    const int64_t waited_us = now_us - station->rise_us;
    if (!station->waits || !station->triggered.deadline_ms ||
        waited_us <= (int64_t)station->triggered.deadline_ms * 1000)
        return;
    struct insp_station_result result = {.error = INSP_STATION_DEADLINE,
                                         .latency_ms = (uint32_t)(waited_us / 1000)};
    name_part(&station->triggered, &result);
    station->waits = false;
    station->timed_out = true;
    if (!station->overrun)
        present(station, &result);
}

static void overrun(struct insp_station *station, struct insp_station_result result) {
    result.verdict = INSP_STATION_UNDECIDED;
    result.error = INSP_STATION_OVERRUN;
    withdraw(station);
    station->overrun = true;
    station->overruns++;
    present(station, &result);
}

/* Says whether the PLC does not wait for this result. */
static bool unwanted(const struct insp_station *station, int64_t started_us, int64_t now_us) {
    if (!station->coil[INSP_COIL_ENABLE] || !insp_station_alive(station, now_us) || station->overrun)
        return true;
    return started_us < station->from_us || (station->coil[INSP_COIL_TRIGGER] && station->timed_out);
}

void insp_station_offer(struct insp_station *station, const struct insp_station_result *offered,
                        int64_t started_us, int64_t now_us) {
    struct insp_station_result result = *offered;
    insp_station_turn(station, now_us);
    station->inspections++;
    station->anomalies += result.verdict == INSP_STATION_ANOMALY;
    if (unwanted(station, started_us, now_us))
        return;
    const bool triggered = station->coil[INSP_COIL_TRIGGER], again = triggered && !station->waits;
    name_part(triggered ? &station->triggered : &station->part, &result);
    station->waits = false;
    if (station->valid || station->holds || again) {
        overrun(station, result);
    } else if (station->coil[INSP_COIL_ACKNOWLEDGE]) {
        station->held = result;
        station->holds = true;
    } else {
        present(station, &result);
    }
}
