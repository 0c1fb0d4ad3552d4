// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_TEST_CERTIFICATE_H
#define REFLOW_TEST_CERTIFICATE_H

#include <openssl/ssl.h>

/* Certificates that sign themselves, for tests: in memory, or as PEM files in a folder that the test makes. */

/* names: subjectAltName as openssl writes it ("DNS:a.test,URI:sip:b.test"); NULL: none. common_name NULL: none. */
X509 *test_certificate_new(EVP_PKEY *key, const char *common_name, const char *names);
EVP_PKEY *test_key_new(void); /* ECDSA, P-256 */

/* A folder with NAME.pem and NAME.key in it (0600). */
struct test_folder {
    char path[64];
};
void test_folder_create(struct test_folder *folder);
void test_folder_destroy(struct test_folder *folder); /* and all in it */
/* The certificate is for the name, by DNS. */
void test_folder_sign(const struct test_folder *folder, const char *name);
/* "FOLDER/FILE" into `out`. */
const char *test_folder_file(const struct test_folder *folder, const char *file, char out[128]);
void test_folder_write(const struct test_folder *folder, const char *file, const char *text);

#endif
