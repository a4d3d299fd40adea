/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The services and backends that the fake daemon has (drawn in fake_lbd.h), made by hand. */
#ifndef FAKE_MODEL_H
#define FAKE_MODEL_H

#include "model/model.h"

/* The caller's: fake_model_free. */
struct model *fake_model_new(void);
void fake_model_free(struct model *model);

/* The address of that text; ends the test program if it is none. */
struct lbd_addr fake_addr(const char *text);

#endif
