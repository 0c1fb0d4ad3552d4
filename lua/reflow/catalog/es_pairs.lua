-- SPDX-License-Identifier: BSD-2-Clause
-- Qué distingue a dos códigos que es fácil confundir, en español; en la clave va primero el menor.
return {
    ["100-180"] = "El 100 habla solo por el siguiente salto y nunca se reenvía; el 180 viene del lado llamado y \z
        significa que se está avisando a alguien.",
    ["100-183"] = "El 100 viene del siguiente salto y no lleva SDP; el 183 viene de más allá, crea un diálogo \z
        temprano y puede traer audio temprano.",
    ["180-181"] = "180: un teléfono está sonando. 181: la llamada aún va camino de otro destino.",
    ["180-182"] = "180: un teléfono ya está sonando. 182: la llamada espera en cola hasta que alguien quede libre.",
    ["180-183"] = "El 180 pide al teléfono del llamante que genere el tono; el 183 con SDP le hace reproducir lo \z
        que envía el otro extremo. Un proxy trata igual los dos, y un 1xx desconocido cuenta como 183.",
    ["181-302"] = "El 181 se envía mientras es el propio servidor quien desvía la llamada; el 302 devuelve la nueva \z
        dirección y deja el desvío al proxy o al llamante anterior.",
    ["182-480"] = "El 182 mantiene la llamada en espera y el 480 la rechaza: conviene la cola si pronto habrá \z
        alguien libre, y el rechazo si no.",
    ["182-486"] = "El 182 mantiene la llamada en espera de alguien que está ocupado; el 486 la rechaza.",
    ["183-199"] = "El 183 abre o continúa un diálogo temprano; el 199 cierra uno mientras la llamada sigue.",
    ["199-487"] = "El 199 termina un diálogo temprano y no es final; el 487 es la respuesta final a un INVITE \z
        cancelado. El 199 puede llevar 487 como causa en Reason.",
    ["200-202"] = "Ante SUBSCRIBE y REFER, el 202 está en desuso y se lee como 200: solo el NOTIFY dice si la \z
        suscripción se concedió o está pendiente. Ante MESSAGE, el 202 dice que el mensaje se ha guardado o \z
        reenviado, no que se haya entregado.",
    ["200-204"] = "Los dos aceptan un SUBSCRIBE. Al 200 le sigue un NOTIFY; al 204, ninguno, porque el suscriptor \z
        ya tiene el estado actual.",
    ["200-430"] = "El 200 es la respuesta del lado llamado: la petición ha tenido éxito y la búsqueda termina. El \z
        430 no viene del teléfono: un proxy de borde informa de que ha perdido la conexión con él, y el proxy \z
        anterior prueba otro flujo.",
    ["202-204"] = "El 202 es el antiguo «aceptado», al que sigue un NOTIFY; el 204 significa que no vendrá ninguno.",
    ["300-301"] = "El 300 ofrece varias direcciones para elegir, solo para esta llamada; el 301 da la nueva, que es \z
        definitiva.",
    ["300-302"] = "El 300 ofrece alternativas para elegir; el 302 envía esta llamada a donde está ahora el usuario. \z
        Los servidores de rutas usan ambos para listas de troncales.",
    ["300-485"] = "Los dos traen una lista de Contact. Con el 300 cualquier elección lleva al mismo usuario o \z
        servicio, así que puede elegir un programa; con el 485 son personas distintas y debe elegir una persona.",
    ["301-302"] = "La diferencia es durante cuánto tiempo se recuerda la dirección: el 301 la sustituye para \z
        siempre; el 302 vale para esta llamada o hasta su Expires.",
    ["301-410"] = "Los dos indican que la dirección antigua ya no es válida; el 301 da la nueva, el 410 no.",
    ["302-305"] = "El 302 cambia el destino; el 305 lo conserva e indica el proxy por el que se llega a él.",
    ["302-380"] = "El 302 da una dirección a la que se puede llamar de inmediato; el 380 describe otro servicio en \z
        su cuerpo.",
    ["400-415"] = "400: el mensaje en sí está mal formado. 415: está bien formado, pero no se admite el tipo del \z
        cuerpo.",
    ["400-420"] = "400: la sintaxis está mal. 420: la sintaxis está bien, pero Require o Proxy-Require exige una \z
        extensión desconocida.",
    ["400-430"] = "El 430 es solo para los proxies de un registro outbound; un extremo que lo reciba de todos modos \z
        lo trata como 400.",
    ["400-500"] = "El 400 achaca el fallo a la petición; el 500, al servidor: el llamante solo puede hacer algo con \z
        lo primero.",
    ["401-403"] = "El 401 pide credenciales e invita a intentarlo otra vez; el 403 es una negativa firme, sean \z
        cuales sean las credenciales.",
    ["401-407"] = "El 401 viene del extremo (registrar, PBX, teléfono) con WWW-Authenticate y se contesta con \z
        Authorization; el 407 viene de un proxy del camino con Proxy-Authenticate y se contesta con \z
        Proxy-Authorization. Un proxy que bifurca reúne los retos de ambos.",
    ["401-494"] = "El 401 pide las credenciales del usuario; el 494 exige acordar antes cómo se protege la conexión.",
    ["402-403"] = "El 402 está reservado y sin especificar; en la práctica significa que no hay saldo. El 403 es un \z
        rechazo por política, y todos los clientes lo conocen.",
    ["403-404"] = "403: puede que el servidor conozca al usuario, y se niega. 404: ese usuario no existe. Algunos \z
        servidores responden 403 en los dos casos para no revelar quién existe.",
    ["403-407"] = "Tras un 407 ayudan las credenciales; tras un 403, no.",
    ["403-433"] = "El 433 indica al llamante que mostrar su identidad ayudaría; el 403 no da esa pista.",
    ["403-470"] = "Tras un 470, la petición sale adelante cuando los destinatarios dan su consentimiento; el 403 no \z
        indica ninguna solución.",
    ["403-488"] = "El 403 rechaza la llamada en sí; el 488, solo la sesión tal como se ofrece.",
    ["403-603"] = "El 403 es la política de un servidor y no afecta a las demás ramas; el 603 es el rechazo del \z
        propio usuario y termina la búsqueda en todas partes. Los operadores usan ambos para llamadas bloqueadas: \z
        mira quién lo envió.",
    ["404-410"] = "404: aquí no se conoce al usuario, y quizá nunca existió. 410: existió y ha desaparecido para \z
        siempre; si el servidor no lo sabe, responde 404.",
    ["404-416"] = "416: el servidor ni siquiera sabe leer este tipo de dirección. 404: lee la dirección y no \z
        encuentra a nadie en ella.",
    ["404-480"] = "404: el usuario no existe. 480: existe, pero ahora no se puede llegar a él. A un usuario \z
        conocido que no tiene ningún teléfono registrado le corresponde un 480, no un 404.",
    ["404-481"] = "404: no se conoce al usuario de la Request-URI. 481: no se conoce la llamada o la transacción a \z
        la que pertenece la petición.",
    ["404-484"] = "El 484 pide más dígitos; con un 404, añadir dígitos no serviría de nada.",
    ["404-604"] = "El 404 habla por un servidor, y aún se puede preguntar a otros; el 604 habla por todos y termina \z
        la búsqueda.",
    ["405-501"] = "405: el método se conoce, pero no se permite para esta dirección, y Allow enumera los \z
        permitidos. 501: el método no se conoce en absoluto.",
    ["406-415"] = "El 415 rechaza el cuerpo de la petición; el 406, un Accept que excluye toda respuesta posible.",
    ["406-488"] = "El 406 trata del tipo del cuerpo de la respuesta; el 488, de la sesión ofrecida (códecs, \z
        cifrado, direcciones). Para medios que no coinciden, lo correcto es el 488.",
    ["406-606"] = "Comparten la frase y poco más: el 406 trata de Accept y del tipo del cuerpo de la respuesta; el \z
        606, de una sesión que no vale para ningún dispositivo del usuario.",
    ["408-430"] = "Tras un 430 se prueba otro flujo del mismo teléfono, porque se sabe que el primero está muerto. \z
        Tras un 408 se puede probar, pero quizá el teléfono ya tenga la petición. El 408 puede llegar al llamante; \z
        el 430, nunca.",
    ["408-480"] = "408: nadie respondió a la petición. 480: alguien respondió que no se puede llegar al usuario.",
    ["408-487"] = "408: la búsqueda terminó sin respuesta. 487: el llamante, o un temporizador de su lado, terminó \z
        la llamada con CANCEL o BYE.",
    ["408-503"] = "Un temporizador vencido actúa como 408; una conexión fallida, como 503. Según el RFC 3263 se \z
        prueba el siguiente servidor tras un 503, y tras un temporizador vencido solo si no llegó nada en absoluto; \z
        un 408 que envió un servidor es una respuesta.",
    ["408-504"] = "408: el lado llamado no respondió a la petición. 504: un servidor esperó en vano otra cosa (base \z
        de datos, DNS, otra red) y él mismo lo notifica.",
    ["410-430"] = "430: se ha perdido una conexión, pero quizá se llegue al teléfono por otra. 410: la propia \z
        dirección ha desaparecido para siempre.",
    ["410-604"] = "410: desapareció para siempre de este servidor. 604: no existe en ninguna parte, y la búsqueda \z
        termina.",
    ["412-423"] = "Los dos pueden responder a la renovación de un PUBLISH: el 423 pide un Expires más largo para la \z
        misma publicación; el 412, una publicación nueva sin la etiqueta de entidad antigua.",
    ["413-414"] = "El 413 rechaza el cuerpo; el 414, la Request-URI.",
    ["413-513"] = "413: el cuerpo es demasiado grande. 513: lo es el mensaje entero, cabeceras incluidas. Un 413 \z
        con Retry-After puede ser pasajero.",
    ["414-513"] = "El 414 trata solo de la Request-URI; el 513, del mensaje entero.",
    ["415-488"] = "415: no se admite el tipo del cuerpo (no es SDP, por ejemplo). 488: el SDP se ha leído, y lo que \z
        ofrece no es aceptable.",
    ["415-493"] = "415: no se admite el tipo del cuerpo. 493: se admite, pero no hay clave para descifrar el cuerpo.",
    ["420-421"] = "Son el reflejo uno del otro: el 420 rechaza una extensión que exige el cliente; el 421 exige una \z
        extensión que el cliente no ofrece.",
    ["420-501"] = "420: no se conoce una extensión de Require o Proxy-Require. 501: no se conoce el método.",
    ["421-439"] = "421: al cliente le falta una extensión que el servidor necesita. 439: el primer proxy entre el \z
        cliente y el registrar no admite outbound.",
    ["421-494"] = "Los dos aparecen con sec-agree: el 421, cuando el cliente ni siquiera anunció que lo admite; el \z
        494, cuando lo anunció y ahora hay que llegar al acuerdo.",
    ["422-423"] = "El 422 trata del temporizador de sesión de una llamada (Session-Expires, se contesta con \z
        Min-SE); el 423, de la duración de un registro, una suscripción o una publicación (Expires, se contesta con \z
        Min-Expires).",
    ["424-425"] = "El 424 rechaza la localización de la petición; el 425, la alerta (documento CAP). Los dos \z
        indican el error en una cabecera propia y no terminan ningún diálogo.",
    ["424-428"] = "424: la localización que lleva la petición no sirve. 428: falta la firma.",
    ["428-429"] = "El 428 pide al llamante que firme la petición; el 429 pide un token firmado a quien transfirió \z
        la llamada.",
    ["428-436"] = "428: no hay ninguna firma que el verificador admita. 436: la hay, pero no se pueden obtener sus \z
        credenciales.",
    ["428-437"] = "428: no hay ninguna firma que el verificador admita. 437: la hay, pero no se acepta su \z
        certificado.",
    ["428-438"] = "428: la petición no lleva ninguna firma que el verificador admita. 438: la lleva, pero la firma \z
        no es válida.",
    ["430-439"] = "El 430 indica que un flujo está muerto; el 439, que por este primer salto no puede haber flujos. \z
        El 430 responde a peticiones hacia un teléfono; el 439, solo a un REGISTER de este.",
    ["430-480"] = "El 430 es el aviso de un proxy de borde al proxy anterior sobre un flujo; el 480 es lo que \z
        recibe el llamante cuando no queda ninguno.",
    ["430-486"] = "El 430 no viene del teléfono, así que se prueba otro flujo hacia él. El 486 sí: el teléfono ha \z
        respondido, y no se prueba ningún otro flujo.",
    ["430-503"] = "El 430 afecta a un flujo hacia un teléfono; el 503, a un servidor entero. Tras un 430 se puede \z
        usar el mismo servidor para el flujo siguiente; tras un 503 con Retry-After no se le envía nada durante ese \z
        tiempo.",
    ["433-603"] = "El 433 da el motivo (el anonimato) y con él la solución; el 603 no da ninguno y termina la \z
        búsqueda.",
    ["433-607"] = "El 433 rechaza a los llamantes que ocultan su identidad; el 607 rechaza a este llamante por ser \z
        quien es.",
    ["436-437"] = "436: el certificado no se puede obtener. 437: se obtuvo, pero no es de confianza o no se admite.",
    ["436-438"] = "436: el certificado no se puede obtener, así que no se verificó nada. 438: se comprobó la firma, \z
        y no es válida.",
    ["437-438"] = "El 437 rechaza el certificado; el 438, la firma. Tras un 437, firma con un certificado de una \z
        autoridad de confianza; tras un 438, busca qué cambia la petición después de firmarla.",
    ["439-555"] = "Los dos rechazan un REGISTER porque a la red le falta algo: con el 555, el servicio push pedido; \z
        con el 439, outbound en el primer proxy. Sin esa exigencia el registro sale adelante.",
    ["440-482"] = "440: habría demasiadas ramas en paralelo. 482: la petición ha vuelto al mismo sitio.",
    ["440-483"] = "El 440 detiene una búsqueda bifurcada demasiado ancha (Max-Breadth); el 483, una demasiado \z
        profunda (Max-Forwards).",
    ["469-489"] = "Los dos rechazan un paquete desconocido: el 469, un Info Package en un INFO dentro de una \z
        llamada; el 489, un paquete de eventos en SUBSCRIBE, NOTIFY o PUBLISH. El 469 nunca termina el uso del \z
        diálogo; el 489 termina la suscripción.",
    ["480-486"] = "480: el usuario no está disponible, por el motivo que sea. 486: se llegó al teléfono y está \z
        ocupado. Ninguno de los dos afecta a las demás ramas.",
    ["480-487"] = "480: el llamado no estaba disponible. 487: el llamante desistió antes.",
    ["480-503"] = "El 480 habla de un usuario; el 503, del servidor entero: se pasa a otro servidor con un 503, \z
        nunca con un 480.",
    ["480-600"] = "El 480 habla por un sitio y deja seguir la búsqueda; el 600 indica que el usuario está ocupado \z
        en todas partes y la termina.",
    ["480-603"] = "El 480 dice «ahora no» y deja seguir la búsqueda; el 603 dice «no» y la termina.",
    ["481-482"] = "481: el receptor no sabe nada de la llamada. 482: un servidor o un teléfono ya ha visto esa \z
        misma petición.",
    ["481-483"] = "481: la petición llegó a su destino, que no conoce la llamada. 483: no llegó, porque se agotó \z
        Max-Forwards.",
    ["481-487"] = "481 a un CANCEL: llegó tarde o al sitio equivocado y no terminó nada. 487 al INVITE: el CANCEL \z
        funcionó.",
    ["482-483"] = "El 482 reconoce el bucle por la propia petición; el 483 solo cuenta saltos, y así corta también \z
        bucles en los que la petición cambia. Los dos obligan a corregir el encaminamiento.",
    ["484-485"] = "484: la dirección es demasiado corta para saber de quién se trata. 485: está completa, pero \z
        corresponde a varias personas.",
    ["486-487"] = "486: el teléfono rechaza la llamada. 487: la terminó el llamante. Tras un 486 se puede pasar al \z
        buzón; tras un 487, nunca.",
    ["486-491"] = "El 491 es una colisión dentro de una llamada, que se resuelve en segundos; el 486 es un teléfono \z
        ocupado.",
    ["486-600"] = "El 486 habla por un teléfono, así que otros y el buzón aún pueden contestar; el 600 habla por el \z
        usuario, cancela todas las demás ramas y prevalece sobre cualquier otra respuesta final que no sea 2xx.",
    ["486-603"] = "486: este dispositivo está ocupado y la búsqueda sigue. 603: el usuario rechaza la llamada y la \z
        búsqueda termina. Un botón de rechazar debería enviar 486, salvo que el usuario se refiera a todos sus \z
        dispositivos.",
    ["488-580"] = "488: los códecs, el cifrado o las direcciones no le sirven al teléfono. 580: le sirven, pero no \z
        están disponibles los recursos (QoS) que exige la oferta.",
    ["488-606"] = "Es la misma objeción con distinto alcance: el 488 es la de un dispositivo, y otro puede aceptar; \z
        el 606 habla por todos los dispositivos del usuario y termina la búsqueda.",
    ["491-500"] = "Los dos responden a un re-INVITE que se cruza con otro. 491: el receptor ha enviado uno propio \z
        que sigue abierto. 500 con Retry-After de hasta 10 s: ha recibido uno anterior y aún no lo ha contestado.",
    ["500-502"] = "500: falló este servidor. 502: este funciona, pero el siguiente le dio una respuesta no válida.",
    ["500-503"] = "500: algo ha fallado en el servidor. 503: ahora no tiene capacidad, y hay que ir a otro. Un 503 \z
        sin Retry-After cuenta como 500, y un proxy reenvía el 503 como 500.",
    ["500-504"] = "500: falló este servidor. 504: este funciona, pero algo de lo que depende fue demasiado lento.",
    ["501-505"] = "501: no se conoce el método. 505: no se admite la versión del protocolo.",
    ["502-503"] = "502: el servidor siguiente dio una respuesta no válida. 503: este servidor, o el camino al \z
        siguiente, no tiene capacidad. Solo el 503 es motivo para pasar a otro servidor según el RFC 3263.",
    ["502-504"] = "502: el servidor siguiente dio una respuesta no válida. 504: un servidor que hacía falta no dio \z
        ninguna a tiempo.",
    ["503-504"] = "503: este servidor no puede atender ahora, así que prueba otro. 504: el servidor funciona, pero \z
        esperó en vano algo que tiene detrás.",
    ["503-600"] = "503: el servidor está sobrecargado. 600: la persona está ocupada. Tras un 503 se prueba otro \z
        servidor; tras un 600, nada más.",
    ["600-603"] = "El 600 da el motivo, ocupado en todas partes; el 603 no da ninguno. Para la búsqueda son \z
        iguales: termina.",
    ["600-604"] = "600: el usuario existe y está ocupado. 604: ese usuario no existe en ninguna parte.",
    ["603-604"] = "603: el usuario existe y rechaza la llamada. 604: ese usuario no existe en ninguna parte.",
    ["603-607"] = "El 603 rechaza esta llamada. El 607 rechaza al llamante por no deseado, y el proveedor puede \z
        tenerlo en cuenta en llamadas posteriores.",
    ["603-608"] = "El 603 significa que el usuario ha rechazado la llamada; el 608 comunica la decisión de una \z
        máquina de la red, con un contacto para reclamar. Algunas redes aún envían 603 donde corresponde 608.",
    ["607-608"] = "607: la persona llamada pulsó el botón. 608: lo decidió un algoritmo antes de que sonara el \z
        teléfono, y Call-Info puede indicar dónde reclamar.",
}
