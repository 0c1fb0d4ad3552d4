// SPDX-License-Identifier: BSD-2-Clause
#include "certificate.h"

#include "test.h"

#include <dirent.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

EVP_PKEY *test_key_new(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    assert_non_null(key);
    return key;
}

static void add_names(X509 *certificate, const char *names)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

X509 *test_certificate_new(EVP_PKEY *key, const char *common_name, const char *names)
{
    X509 *certificate = X509_new();
    assert_non_null(certificate);
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
    X509_set_pubkey(certificate, key);
    X509_NAME *subject = X509_get_subject_name(certificate);
    if (common_name != NULL)
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0);
    X509_set_issuer_name(certificate, subject);
    if (names != NULL)
        add_names(certificate, names);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    return certificate;
}

void test_folder_create(struct test_folder *folder)
{
    temporary_path(folder->path, sizeof folder->path, "reflow-tls-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
}

void test_folder_destroy(struct test_folder *folder)
{
    char file[400];
    DIR *directory = opendir(folder->path);
    struct dirent *entry;
    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL) {
        snprintf(file, sizeof file, "%s/%s", folder->path, entry->d_name);
        if (entry->d_name[0] != '.')
            unlink(file);
    }
    closedir(directory);
    rmdir(folder->path);
}

const char *test_folder_file(const struct test_folder *folder, const char *file, char out[128])
{
    snprintf(out, 128, "%s/%s", folder->path, file);
    return out;
}

static FILE *open_file(const struct test_folder *folder, const char *name, const char *ending)
{
    char file[64], path[128];
    snprintf(file, sizeof file, "%s%s", name, ending);
    FILE *stream = fopen(test_folder_file(folder, file, path), "w");
    assert_non_null(stream);
    chmod(path, S_IRUSR | S_IWUSR);
    return stream;
}

void test_folder_sign(const struct test_folder *folder, const char *name)
{
    char names[128];
    snprintf(names, sizeof names, "DNS:%s", name);
    EVP_PKEY *key = test_key_new();
    X509 *certificate = test_certificate_new(key, name, names);
    FILE *file = open_file(folder, name, ".pem");
    assert_int_equal(PEM_write_X509(file, certificate), 1);
    fclose(file);
    file = open_file(folder, name, ".key");
    assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

void test_folder_write(const struct test_folder *folder, const char *file, const char *text)
{
    FILE *stream = open_file(folder, file, "");
    fputs(text, stream);
    fclose(stream);
}
