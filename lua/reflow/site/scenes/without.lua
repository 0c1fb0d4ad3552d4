-- SPDX-License-Identifier: BSD-2-Clause
-- The rules that no scene shows, each with a kind, and what the site says about rules of this kind.
return {
    kinds = {
        keepalive = {
            en = "There is no picture, because keep-alives are not SIP messages.",
            es = "No hay diagrama, porque los keep-alives no son mensajes SIP.",
        },
        names = {
            en = "There is no picture, because DNS is asked before the first SIP message.",
            es = "No hay diagrama, porque el DNS se consulta antes del primer mensaje SIP.",
        },
        tls = {
            en = "There is no picture, because certificates are checked before the first SIP message.",
            es = "No hay diagrama, porque los certificados se comprueban antes del primer mensaje SIP.",
        },
    },
    rules = {
        ["5626-5.4.a"] = "keepalive", ["5626-5.4.b"] = "keepalive", ["5626-6.j"] = "keepalive",
        ["5626-4.4.a"] = "keepalive", ["5626-4.4.b"] = "keepalive",
        ["3263-4.a"] = "names", ["5922-7.a"] = "tls",
    },
}
