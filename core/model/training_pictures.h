/* core/model/training_pictures.h - read and write the manifest's "pictures": the ranges of the good training
 * pictures, so that a posted picture far outside them is suspect.
 *
 *   {"count": 40, "side": [256, 256], "bits": [8, 8], "bright": [180, 231], ...,    names of INSP_STAT_TABLE
 *    "layout": {"largest": 1.35,    insp_layout_range; missing: not known
 *               "cells": base64 of [2,256] numbers of 16 bits, little endian: 256 x mean, 256 x deviation}}
 *
 * Pure; any thread. */
#ifndef INSP_MODEL_TRAINING_PICTURES_H
#define INSP_MODEL_TRAINING_PICTURES_H

#include "core/base/error.h"
#include "core/image/stats.h"

#include <jansson.h>

/* Parses the object; NULL or null gives the ranges of no picture. A missing name gives an unknown range; names
 * outside the table are ignored. Fails with INSP_E_MODEL, which names the field. */
int insp_pictures_parse(const json_t *object, struct insp_stat_ranges *ret, struct insp_error *reterr);

/* Returns the object, or null for no picture; a new reference, NULL without memory. */
json_t *insp_pictures_json(const struct insp_stat_ranges *ranges);

#endif
