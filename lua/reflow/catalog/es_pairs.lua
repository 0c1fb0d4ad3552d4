-- SPDX-License-Identifier: BSD-2-Clause
-- Qué distingue a dos códigos que es fácil confundir, en español; en la clave va primero el menor.
return {
    ["100-180"] = "100 habla solo por el siguiente salto y nunca se reenvía; 180 viene del lado llamado y dice que \z
        se está avisando a alguien.",
    ["100-183"] = "100 se queda en el siguiente salto y no lleva audio; 183 viene de más allá, crea un diálogo \z
        temprano y puede traer audio temprano.",
    ["180-181"] = "180 está sonando en un destino; 181 solo dice que la llamada va camino de otro.",
    ["180-182"] = "180 está sonando ya para alguien; 182 solo espera en cola a que alguien quede libre.",
    ["180-183"] = "180 pide al teléfono del llamante que genere el tono; 183 con SDP le hace oír lo que envía el \z
        otro extremo. Un proxy trata igual a los dos, y un 1xx desconocido cuenta como 183.",
    ["181-302"] = "181 se envía mientras desvía el propio servidor; 302 devuelve la dirección nueva y deja el \z
        desvío al proxy o al llamante que tiene delante.",
    ["182-480"] = "182 deja la llamada en espera, 480 la rechaza: cola si pronto habrá alguien libre, rechazo si \z
        no.",
    ["182-486"] = "182 deja la llamada en espera de alguien que está ocupado, 486 la rechaza.",
    ["183-199"] = "183 abre o continúa un diálogo temprano; 199 cierra uno mientras la llamada sigue.",
    ["199-487"] = "199 termina un diálogo temprano y no es final; 487 es la respuesta final a un INVITE cancelado. \z
        199 puede llevar 487 como causa en Reason.",
    ["200-202"] = "No hay diferencia que importe al actuar: 202 está en desuso y se lee como 200. Solo el NOTIFY \z
        dice si la suscripción se concedió o está pendiente.",
    ["200-204"] = "Los dos aceptan un SUBSCRIBE. Tras 200 viene un NOTIFY; tras 204, ninguno: el suscriptor ya \z
        tiene el estado actual.",
    ["200-430"] = "200 es la respuesta del lado llamado: la petición ha tenido éxito y la búsqueda acaba. 430 no es \z
        una respuesta del teléfono: un proxy de borde dice que ha perdido la conexión con él, y el proxy que tiene \z
        delante prueba otro flujo.",
    ["202-204"] = "202 es el antiguo «aceptado», con un NOTIFY por venir; 204 significa que no vendrá ninguno.",
    ["300-301"] = "300 ofrece varias direcciones para elegir, por esta vez; 301 da la nueva para siempre.",
    ["300-302"] = "300 ofrece alternativas para elegir; 302 manda esta llamada a donde está ahora el usuario. Los \z
        servidores de rutas usan ambos para listas de troncales.",
    ["300-485"] = "Los dos enumeran Contact. Con 300 cualquier elección lleva al mismo usuario o servicio, así que \z
        puede elegir un programa; con 485 son personas distintas y debe elegir una persona.",
    ["301-302"] = "La diferencia es cuánto recordarlo: 301 sustituye la dirección para siempre, 302 vale para esta \z
        llamada o hasta su Expires.",
    ["301-410"] = "Los dos dicen que la dirección antigua se acabó; 301 conoce la nueva, 410 no.",
    ["302-305"] = "302 cambia el destino; 305 lo conserva e impone el proxy por el que se llega.",
    ["302-380"] = "302 da una dirección a la que se puede llamar enseguida; 380 describe otro servicio en su \z
        cuerpo.",
    ["400-415"] = "400: el mensaje en sí está mal formado. 415: está bien formado, pero no se admite el tipo del \z
        cuerpo.",
    ["400-420"] = "400: la sintaxis está mal. 420: la sintaxis está bien, pero Require exige una extensión \z
        desconocida.",
    ["400-430"] = "430 es solo para los proxies de un registro outbound; un extremo que aun así lo reciba lo trata \z
        como 400.",
    ["400-500"] = "400 culpa a la petición, 500 al servidor: solo lo primero puede arreglarlo el llamante.",
    ["401-403"] = "401 pide credenciales e invita a intentarlo otra vez; 403 se niega en firme, sean cuales sean \z
        las credenciales.",
    ["401-407"] = "401 viene del extremo (registrar, centralita, teléfono) con WWW-Authenticate y se contesta con \z
        Authorization; 407 viene de un proxy del camino con Proxy-Authenticate y se contesta con \z
        Proxy-Authorization. Un proxy que bifurca reúne los retos de ambos.",
    ["401-494"] = "401 reta al usuario; 494 quiere acordar antes cómo se protege la conexión.",
    ["402-403"] = "402 está reservado y sin especificar; en la práctica dice que falta dinero. 403 se niega por \z
        política, y todos los clientes lo conocen.",
    ["403-404"] = "403: puede que el servidor conozca al usuario, y se niega. 404: no existe ese usuario. Algunos \z
        servidores responden 403 a las dos cosas para no revelar quién existe.",
    ["403-407"] = "407 se resuelve con credenciales, 403 no.",
    ["403-433"] = "433 dice al llamante que mostrar su identidad ayudaría; 403 no da esa pista.",
    ["403-470"] = "470 se resuelve con el consentimiento de los destinatarios; 403 no.",
    ["403-488"] = "403 rechaza la llamada en sí; 488, solo la sesión tal como se ofrece.",
    ["403-603"] = "403 es política de un servidor y deja en paz las demás ramas; 603 es el rechazo del propio \z
        usuario y acaba la búsqueda en todas partes. Los operadores usan ambos para llamadas bloqueadas: mira quién \z
        lo envió.",
    ["404-410"] = "404: aquí no se conoce, quizá nunca existió. 410: existió y ha desaparecido para siempre; si el \z
        servidor no lo sabe, responde 404.",
    ["404-416"] = "416 ni siquiera sabe leer este tipo de dirección; 404 la lee y no encuentra a nadie.",
    ["404-480"] = "404: el usuario no existe. 480: existe, pero ahora no se puede llegar a él. Si es un teléfono no \z
        registrado, es 480, nunca 404.",
    ["404-481"] = "404 no conoce al usuario del Request-URI; 481 no conoce la llamada o transacción a la que \z
        pertenece la petición.",
    ["404-484"] = "484 pide más dígitos; 404 dice que añadir dígitos no servirá de nada.",
    ["404-604"] = "404 habla por un servidor, y se puede preguntar a otros; 604 habla por todos y acaba la \z
        búsqueda.",
    ["405-501"] = "405: el método se conoce, pero no se permite para esta dirección, y Allow enumera los que sí. \z
        501: el método no se conoce en absoluto.",
    ["406-415"] = "415 rechaza el cuerpo de la petición; 406, su Accept, que excluye toda respuesta posible.",
    ["406-488"] = "406 trata del tipo del cuerpo de la respuesta; 488, de la sesión ofrecida (códecs, cifrado, \z
        direcciones). Para medios que no coinciden, lo correcto es 488.",
    ["406-606"] = "Comparten la frase y poco más: 406 trata de Accept y del tipo del cuerpo de la respuesta; 606, \z
        de una sesión que no vale para ningún dispositivo del usuario.",
    ["408-430"] = "Los dos pueden llevar a otro flujo del mismo teléfono: 430 siempre, porque ese flujo se sabe \z
        muerto; 408 solo si el proxy quiere, porque el teléfono puede tener la petición. 408 puede llegar al \z
        llamante, 430 no.",
    ["408-480"] = "408: nadie respondió a la petición. 480: alguien respondió que no se puede llegar al usuario.",
    ["408-487"] = "408: la búsqueda acabó sin respuesta. 487: el llamante, o un temporizador de su lado, terminó la \z
        llamada con CANCEL o BYE.",
    ["408-503"] = "Un tiempo vencido actúa como 408, una conexión fallida como 503. Los dos permiten pasar al \z
        siguiente servidor según RFC 3263; 408, solo si no llegó nada en absoluto.",
    ["408-504"] = "408: calló el lado llamado de la petición SIP. 504: el servidor esperaba otra cosa (base de \z
        datos, DNS, otra red) y lo dice él mismo.",
    ["410-430"] = "430: esta conexión se ha perdido, el teléfono vive. 410: la propia dirección ha desaparecido \z
        para siempre.",
    ["410-604"] = "410: desapareció para siempre de este servidor. 604: no existe en ninguna parte, y la búsqueda \z
        acaba.",
    ["412-423"] = "Los dos responden a una renovación de PUBLISH: 423 quiere un Expires más largo en la misma \z
        publicación; 412, una publicación nueva sin la etiqueta de entidad antigua.",
    ["413-414"] = "413 rechaza el cuerpo; 414, el Request-URI.",
    ["413-513"] = "413: es grande el cuerpo. 513: lo es el mensaje entero, cabeceras incluidas. 413 puede pasar con \z
        el tiempo, si trae Retry-After.",
    ["414-513"] = "414 trata solo del Request-URI, 513 del mensaje entero.",
    ["415-488"] = "415 no admite el tipo del cuerpo (no es SDP, por ejemplo); 488 lee el SDP y no puede aceptar lo \z
        que ofrece.",
    ["415-493"] = "415 no admite el tipo del cuerpo; 493 lo admite y no tiene clave para descifrarlo.",
    ["420-421"] = "Son el reflejo uno del otro: 420 rechaza una extensión que exige el cliente; 421 exige una \z
        extensión que el cliente no ofrece.",
    ["420-501"] = "420 no conoce una extensión exigida; 501, el método.",
    ["421-439"] = "421 echa en falta una extensión en el cliente; 439, outbound en el primer proxy entre el cliente \z
        y el registrar.",
    ["421-494"] = "Los dos aparecen con sec-agree: 421 cuando el cliente ni siquiera anunció que lo admite; 494 \z
        cuando lo anunció y ahora toca hacer el acuerdo.",
    ["422-423"] = "422 trata del temporizador de sesión de una llamada (Session-Expires, se contesta con Min-SE); \z
        423, de la duración de un registro, suscripción o publicación (Expires, se contesta con Min-Expires).",
    ["424-425"] = "424 rechaza la localización de la petición; 425, la alerta (documento CAP). Los dos nombran el \z
        error en una cabecera propia y no terminan ningún diálogo.",
    ["424-428"] = "Los dos echan en falta algo que avale la llamada: 424, una localización utilizable; 428, una firma.",
    ["428-429"] = "428 pide al llamante que firme la petición; 429 pide un token firmado a quien transfirió la \z
        llamada.",
    ["428-436"] = "428: no hay firma que el verificador admita. 436: la hay, pero no se pueden obtener sus \z
        credenciales.",
    ["428-437"] = "428: no hay firma que el verificador admita. 437: la hay, pero no se acepta su certificado.",
    ["428-438"] = "428: falta la firma. 438: está, y no se verifica.",
    ["430-439"] = "430 dice que un flujo ha muerto; 439, que por este primer salto no puede haberlos. El uno afecta \z
        a las peticiones hacia un teléfono; el otro, solo a su REGISTER.",
    ["430-480"] = "430 es lo que el proxy de borde dice sobre un flujo al proxy del registrar; 480 es lo que recibe \z
        el llamante cuando no queda ninguno.",
    ["430-486"] = "430 no es respuesta del teléfono: se prueba otro flujo suyo. 486 sí lo es: el teléfono ha \z
        hablado, y ya no se prueba ningún otro flujo hacia él.",
    ["430-503"] = "430 afecta a un flujo hacia un teléfono; 503, a un servidor entero. Tras 430 el mismo servidor \z
        puede servir para el flujo siguiente; tras 503 descansa.",
    ["433-603"] = "433 da el motivo (el anonimato) y con él la salida; 603 no da ninguno y acaba la búsqueda.",
    ["433-607"] = "433 rechaza a los llamantes sin identidad; 607 rechaza a este llamante por ser quien es.",
    ["436-437"] = "436: el certificado no se puede obtener. 437: se obtuvo, y no es de confianza o no se admite.",
    ["436-438"] = "436: el certificado no se puede obtener, así que no se verificó nada. 438: se obtuvo, y la firma \z
        no cuadra.",
    ["437-438"] = "437 rechaza el certificado, 438 la firma. En un caso corrige la autoridad; en el otro, lo que \z
        cambia la petición después de firmar.",
    ["439-555"] = "Los dos rechazan un REGISTER porque a la red le falta algo: con 555, el servicio push pedido; \z
        con 439, outbound en el primer proxy. Sin esa exigencia el registro sale adelante.",
    ["440-482"] = "440: la búsqueda necesitaría más ramas a la vez de las que permite Max-Breadth. 482: un servidor \z
        ha visto una petición que volvió al mismo sitio.",
    ["440-483"] = "440 señala que se alcanzó el límite de anchura de una búsqueda bifurcada (Max-Breadth); 483, el de \z
        su profundidad (Max-Forwards).",
    ["469-489"] = "Los dos rechazan un paquete desconocido: 469, un Info Package en un INFO dentro de una llamada; \z
        489, un paquete de eventos en SUBSCRIBE, NOTIFY o PUBLISH. 469 nunca termina el uso del diálogo; 489 \z
        termina la suscripción.",
    ["480-486"] = "480: no se llega al usuario, por lo que sea. 486: se llegó, y está ocupado. Los dos dejan en paz \z
        las demás ramas.",
    ["480-487"] = "480: no se pudo llegar al llamado. 487: el llamante desistió antes.",
    ["480-503"] = "480 habla de un usuario, 503 del servidor entero: conmuta a otro servidor con 503, nunca con \z
        480.",
    ["480-600"] = "480 habla por un sitio y deja seguir la búsqueda; 600 dice ocupado en todas partes y la acaba.",
    ["480-603"] = "480 dice «ahora no» y deja seguir la búsqueda; 603 dice «no» y la acaba.",
    ["481-482"] = "481 ha perdido la llamada y no encuentra rastro de ella; 482 ya ha visto esa misma petición.",
    ["481-483"] = "481 llegó a su destino, que no conoce la llamada; 483 no llegó nunca, porque se agotó \z
        Max-Forwards.",
    ["481-487"] = "481 a un CANCEL: llegó tarde o al sitio equivocado, y no terminó nada. 487 al INVITE: el CANCEL \z
        funcionó.",
    ["482-483"] = "482 reconoce el bucle por la propia petición; 483 solo cuenta saltos, y así corta bucles en los \z
        que la petición cambia. Los dos piden corregir el encaminamiento.",
    ["484-485"] = "484: la dirección no basta para saber de quién se trata. 485: basta para varias personas y no \z
        para una sola.",
    ["486-487"] = "486: el teléfono rechaza la llamada. 487: la terminó el llamante. El desvío al buzón corresponde \z
        al primero, nunca al segundo.",
    ["486-491"] = "491 es un choque dentro de una llamada, que pasa en segundos; 486 es un teléfono ocupado.",
    ["486-600"] = "486 habla por un teléfono, así que otros y el buzón aún pueden contestar; 600 habla por el \z
        usuario, cancela todas las demás ramas y se impone a cualquier otra respuesta final que no sea 2xx.",
    ["486-603"] = "486: este dispositivo está ocupado, la búsqueda sigue. 603: el usuario rechaza, la búsqueda \z
        acaba. Un botón de rechazar debería enviar 486, salvo que el usuario se refiera a todos sus dispositivos.",
    ["488-580"] = "488: no cuadran códecs, cifrado o direcciones. 580: cuadran, pero no se pueden conseguir los \z
        recursos (QoS) que la oferta pone como condición.",
    ["488-606"] = "La misma objeción con distinto alcance: 488 es la de un dispositivo, y otro puede aceptar; 606 \z
        habla por todos los dispositivos del usuario y acaba la búsqueda.",
    ["491-500"] = "Los dos responden a un re-INVITE que se cruza con otro. 491: el receptor ha enviado uno propio \z
        que sigue abierto. 500 con Retry-After de hasta 10 s: ha recibido uno anterior y aún no lo ha contestado.",
    ["500-502"] = "500: falló este servidor. 502: este funciona, pero el siguiente le dio una respuesta no válida.",
    ["500-503"] = "500: algo se rompió. 503: ahora no hay capacidad, ve a otro sitio. Un 503 sin Retry-After cuenta \z
        como 500, y un proxy reenvía el 503 como 500.",
    ["500-504"] = "500: falló este servidor. 504: este funciona, pero algo de lo que depende fue demasiado lento.",
    ["501-505"] = "501 no conoce el método; 505, la versión del protocolo.",
    ["502-503"] = "502: el servidor siguiente respondió algo sin sentido. 503: este servidor, o el camino al \z
        siguiente, no tiene capacidad. Solo 503 justifica conmutar según RFC 3263.",
    ["502-504"] = "502: el servidor siguiente dio una respuesta no válida. 504: no llegó ninguna a tiempo.",
    ["503-504"] = "503: este servidor no puede atender ahora, así que prueba otro. 504: el servidor está bien, pero \z
        esperó en vano algo que tiene detrás.",
    ["503-600"] = "503: el servidor está sobrecargado. 600: la persona está ocupada. Lo primero pide otro servidor; \z
        lo segundo lo descarta.",
    ["600-603"] = "600 da el motivo: ocupado en todas partes. 603 se lo calla. Para la búsqueda son iguales: acaba.",
    ["600-604"] = "600: el usuario existe y está ocupado. 604: no hay tal usuario en ninguna parte.",
    ["603-604"] = "603: el usuario existe y se niega. 604: no hay tal usuario en ninguna parte.",
    ["603-607"] = "603 rechaza esta llamada. 607 rechaza al llamante por no deseado, y el proveedor puede tenerlo \z
        en cuenta en llamadas posteriores.",
    ["603-608"] = "603 se entiende como la palabra del propio usuario; 608 es la de una máquina de la red, con un \z
        contacto al que reclamar. Algunas redes aún envían 603 donde corresponde 608.",
    ["607-608"] = "607: la persona llamada pulsó el botón. 608: lo decidió un algoritmo antes de que sonara el \z
        teléfono, y Call-Info puede decir dónde reclamar.",
}
