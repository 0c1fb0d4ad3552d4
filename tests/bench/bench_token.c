// SPDX-License-Identifier: BSD-2-Clause
#include <openssl/hmac.h>
#include <time.h>

#include "flow/token.h"
#include "test.h"

/* One line a figure: figure, value, baseline, ratio, target, reached or missed. The baseline is OpenSSL's own one-shot
   HMAC over as many bytes. */

enum { SAMPLES = 15, RUNS = 20000 };

static struct token_keys *keys;
static struct token_flow flow = {.transport = 1,
                                 .address_length = 4,
                                 .local = {192, 0, 2, 1},
                                 .remote = {198, 51, 100, 7},
                                 .local_port = 5060,
                                 .remote_port = 40112,
                                 .run = 1,
                                 .connection = 17};
static char token[TOKEN_TEXT_MOST];
static size_t token_length;
static volatile size_t kept;

static void make(void)
{
    flow.connection++;
    kept = token_write(keys, &flow, token, sizeof token);
}

static void verify(void)
{
    struct token_flow read;
    if (token_read(keys, (struct text){token, token_length}, &read) != TOKEN_GOOD)
        abort();
}

static void plain(void)
{
    static const unsigned char secret[32], bytes[30];
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned length;
    HMAC(EVP_sha256(), secret, sizeof secret, bytes, sizeof bytes, out, &length);
    kept = length;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_ns(void (*function)(void))
{
    double samples[SAMPLES];
    struct timespec from, to;
    for (unsigned i = 0; i < SAMPLES; i++) {
        clock_gettime(CLOCK_MONOTONIC, &from);
        for (unsigned run = 0; run < RUNS; run++)
            function();
        clock_gettime(CLOCK_MONOTONIC, &to);
        samples[i] = ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / RUNS;
    }
    qsort(samples, SAMPLES, sizeof samples[0], compare);
    return samples[SAMPLES / 2];
}

static void figure(const char *name, double value, double baseline)
{
    printf("%s, ns\t%.0f\t%.0f (one HMAC)\t%.2f\t1500 ns\t%s\n", name, value, baseline, value / baseline,
           value <= 1500 ? "reached" : "missed");
}

int main(void)
{
    char error[160];
    struct fake_host fake;
    fake_host_create(&fake);
    if (token_keys_open(&keys, &fake.host, NULL, error, sizeof error) != 0)
        return 1;
    const double baseline = median_ns(plain);
    figure("flow token made", median_ns(make), baseline);
    token_length = token_write(keys, &flow, token, sizeof token);
    figure("flow token verified", median_ns(verify), baseline);
    token_keys_close(keys);
    return 0;
}
