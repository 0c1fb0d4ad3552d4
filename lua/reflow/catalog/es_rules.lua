-- SPDX-License-Identifier: BSD-2-Clause
-- One line for each rule of module/core/rules.def, in Spanish.
return {
    ["5626-7.a"] = "una instancia no está nunca en el conjunto de destinos por dos flujos a la vez",
    ["5626-7.b"] = "una rama que falló con un 430 se sustituye por otro flujo de su instancia",
    ["5626-7.c"] = "una instancia que ha dado una respuesta final distinta de 408 o 430 no vuelve a recibir la "
        .. "petición",
    ["5626-7.d"] = "tras un 408, se prueba otro flujo de la instancia solo si no llegó ninguna respuesta "
        .. "provisional superior a 100",
    ["5626-7.e"] = "una petición se envía por el mismo flujo por el que se hizo su registro",
    ["5626-7.f"] = "un flujo muerto elimina todos los registros que dependen de él, sea cual sea su AOR",
    ["5626-7.g"] = "un 430 elimina solo el registro por el que llegó",
    ["5626-7.h"] = "si un flujo muere antes de una respuesta provisional superior a 100, la rama pasa a otro de "
        .. "inmediato; después de ella, espera a la instancia",
    ["5626-7.i"] = "si una conexión no confirma nada de un INVITE y el teléfono tiene otro flujo, la conexión se "
        .. "aborta y se prueba ese flujo",
    ["5626-7.j"] = "un error ICMP cuenta de inmediato solo si cita una petición que espera respuesta; si no, un "
        .. "OPTIONS comprueba el flujo",
    ["5626-11.5.a"] = "un 430 no llega nunca a un extremo; si era la única respuesta, se envía un 480",
    ["5626-11.5.b"] = "un 430 guardado queda por debajo de cualquier otra respuesta final",
    ["5626-11.5.c"] = "un agente de usuario trata un 430 como un 400",
    ["5626-11.6.a"] = "un 439 se envía solo a un REGISTER que tiene reg-id y admite outbound",
    ["5626-5.1.a"] = "el primer salto añade un Path con un token de flujo y ob, o rechaza la petición",
    ["5626-5.1.b"] = "un salto posterior no pone nunca ob en su Path",
    ["5626-5.2.a"] = "un token de flujo es único, lleva de vuelta a su flujo y no se puede falsificar",
    ["5626-5.2.b"] = "los tokens sobreviven a un reinicio: el de un flujo UDP sigue llevando a él; el de una "
        .. "conexión recibe un 430",
    ["5626-5.3.a"] = "una petición con el token del flujo por el que llegó es saliente; cualquier otra es "
        .. "entrante",
    ["5626-5.3.b"] = "un token falsificado o dañado recibe un 403",
    ["5626-5.3.c"] = "un token cuyo flujo ya no existe recibe un 430 de inmediato",
    ["5626-5.3.d"] = "a una petición que forma un diálogo y trae ob en su Route se le pone Record-Route con el token, "
        .. "para que las siguientes sigan su flujo",
    ["5626-5.3.e"] = "a una petición saliente que forma un diálogo con ob en su Contact se le pone Record-Route del "
        .. "mismo modo",
    ["5626-5.4.a"] = "se responde de inmediato a un keep-alive CRLF CRLF en una conexión",
    ["5626-5.4.b"] = "se responde a las peticiones Binding de STUN en el puerto SIP",
    ["5626-5.4.c"] = "se puede enviar Flow-Timer; el servidor espera entonces más tiempo antes de dar el "
        .. "flujo por muerto",
    ["5626-6.a"] = "Path se guarda; Via muestra si este es el primer salto",
    ["5626-6.b"] = "sin ob en la primera URI de Path no se aplica outbound: se responde 439 o se ignora reg-id",
    ["5626-6.c"] = "un reg-id sin instance-id se ignora",
    ["5626-6.d"] = "varios Contact con una duración mayor que cero, alguno de ellos con reg-id: 400, y no se guarda "
        .. "nada",
    ["5626-6.e"] = "si reg-id faltaba o se ignoró, la respuesta no tiene Require: outbound",
    ["5626-6.f"] = "los registros con outbound y sin él pueden convivir bajo una AOR",
    ["5626-6.g"] = "la clave de un registro outbound es AOR, instance-id y reg-id",
    ["5626-6.h"] = "si se aplicó outbound, el 2xx tiene Require: outbound",
    ["5626-6.i"] = "un nuevo REGISTER con la misma clave sustituye solo a ese registro",
    ["5626-6.j"] = "un registrar que atiende directamente a agentes de usuario responde a los keep-alives como "
        .. "un proxy de borde",
    ["5626-10.a"] = "el valor de reg-id va de 1 a 2147483647",
    ["5626-4.2.a"] = "los keep-alives empiezan si el 2xx tiene Require: outbound, y solo entonces",
    ["5626-4.2.b"] = "tras un 503 a un REGISTER, el agente de usuario espera lo que diga Retry-After; 0 significa "
        .. "ahora",
    ["5626-4.2.c"] = "tras un 439, el agente de usuario se registra sin outbound, o por otro primer salto",
    ["5626-4.4.a"] = "un keep-alive se envía al cabo de un tiempo aleatorio: del 80 al 100 % de Flow-Timer o, sin él, "
        .. "de 95 a 120 s (conexión) o de 24 a 29 s (STUN)",
    ["5626-4.4.b"] = "un flujo ha fallado si no hay respuesta en 10 s, o si ha cambiado la dirección que devuelve STUN",
    ["5626-4.5.a"] = "la espera de recuperación se duplica con cada fallo, de 30 o 90 s hasta 1800 s",
    ["5626-4.5.b"] = "una recuperación espera un tiempo aleatorio del 50 al 100 % de ese valor, y conserva su reg-id",
    ["3261-16.4.a"] = "un Route de este servidor permite reenviar una petición solo con un sello válido del diálogo",
    ["3261-16.7.a"] = "una respuesta que no corresponde a ninguna transacción se descarta",
    ["3261-16.3.a"] = "una petición se reenvía a un destino no registrado aquí solo si su remitente está autenticado "
        .. "o es un troncal",
    ["3261-16.7.b"] = "un 100 no se reenvía; las respuestas de 101 a 199 reinician el temporizador C y se reenvían "
        .. "de inmediato",
    ["3261-16.7.c"] = "cada 2xx a un INVITE se reenvía de inmediato, y las demás ramas se cancelan",
    ["3261-16.7.d"] = "tras un 6xx no se añade ninguna rama, se cancelan las pendientes y el 6xx se reenvía "
        .. "cuando han terminado",
    ["3261-16.7.e"] = "la mejor respuesta final es un 6xx o, si no lo hay, una de la clase más baja; entre los 4xx, "
        .. "tienen preferencia los que ayudan al llamante a repetir la petición",
    ["3261-16.7.f"] = "si no llegó ninguna respuesta, el llamante recibe un 408",
    ["3261-16.7.g"] = "un 503 se reenvía como 500",
    ["3261-16.7.h"] = "un 401 o 407 reenviado contiene los retos de todas las respuestas 401 y 407",
    ["3261-16.7.i"] = "un 3xx se sigue solo si la política lo indica, y cada URI una sola vez",
    ["3261-16.9.a"] = "una petición que no se puede enviar cuenta como un 503; si iba por un flujo, como un flujo "
        .. "fallido",
    ["3261-16.6.a"] = "una Request-URI que era un Contact pierde sus cabeceras y su parámetro method",
    ["3261-16.6.b"] = "fuera de los flujos de outbound, al siguiente Route o a la Request-URI se llega por una "
        .. "conexión nueva si la anterior ya no existe",
    ["3261-18.2.2.a"] = "una respuesta cuya conexión ya no existe se envía por una nueva a la dirección del "
        .. "remitente y al puerto de Via",
    ["6665-4.3.a"] = "un proxy que puso su Record-Route en un SUBSCRIBE o REFER lo pone en cada uno de sus NOTIFY, "
        .. "y en ningún otro",
    ["3261-16.9.b"] = "un 503 que generó este servidor porque un flujo está muerto cuenta como flujo muerto: "
        .. "480 si no queda nada más",
    ["3261-10.a"] = "a un registro sin reg-id se le llama por su flujo; si el flujo ya no existe, se llama a su "
        .. "Contact, si se puede llegar a él",
    ["4320-4.a"] = "un 408 no se envía nunca a una petición que no sea INVITE",
    ["3261-9.a"] = "una rama se cancela solo después de recibir por ella una respuesta provisional",
    ["3261-8.1.3.a"] = "una respuesta actúa como indica su código; una final desconocida, como x00 de su clase, y "
        .. "una provisional desconocida, como 183",
    ["3261-8.1.3.b"] = "un temporizador vencido actúa como un 408; un fallo de transporte, como un 503",
    ["3261-8.1.3.c"] = "un agente de usuario descarta una respuesta con más de un Via",
    ["3261-8.1.3.d"] = "tras 401, 407, 413, 415, 416 o 420 se repite la petición con el cambio que pide el código",
    ["3261-13.2.a"] = "cada 2xx a un INVITE recibe un ACK en una transacción propia",
    ["3261-13.2.b"] = "un 2xx que ya no se quiere recibe un ACK y después un BYE",
    ["3261-17.a"] = "las respuestas de 300 a 699 a un INVITE reciben un ACK de la transacción; las respuestas a otros "
        .. "métodos, ninguno",
    ["3261-17.1.3.a"] = "una respuesta se asigna a su transacción por el parámetro branch completo, el método de "
        .. "CSeq y el lugar al que se envió la petición",
    ["3261-10.3.a"] = "los Contact se comparan según la sección 19.1.4 del RFC 3261, y la forma más reciente "
        .. "sustituye a la anterior",
    ["3261-10.3.b"] = "con autenticación, un REGISTER cambia solo los registros del usuario autenticado",
    ["instance-a"] = "un Contact sin reg-id y con identificador de instancia sustituye a los anteriores de esa "
        .. "instancia",
    ["3261-10.3.c"] = "un Contact que no es una URI SIP válida se rechaza con 400, y no se guarda nada",
    ["3261-18.1.1.a"] = "una petición demasiado grande para un datagrama va por TCP si la URI permite elegir; si no se "
        .. "puede abrir una conexión, por UDP",
    ["3261-22.a"] = "un registrar pide credenciales con 401 y un proxy con 407; para ACK y CANCEL no se piden nunca",
    ["8760-a"] = "hay un reto por cada algoritmo, en el orden configurado, y la respuesta debe usar uno de ellos",
    ["7616-a"] = "se comprueban response, realm, nonce, nc, cnonce, qop y uri, y un mismo nc no se acepta nunca dos "
        .. "veces con un nonce",
    ["7616-b"] = "a unas credenciales correctas con un nonce caducado o desconocido se responde con un nonce nuevo y "
        .. "stale=true",
    ["3261-20.33.a"] = "Retry-After se aplica en 404, 413, 480, 486, 500, 503, 600 y 603",
    ["3261-21.5.4.a"] = "un 503 con Retry-After deja descansar al destino; sin Retry-After, actúa como un 500",
    ["3263-4.a"] = "los servidores de un nombre se buscan por registros NAPTR, después SRV, después A y AAAA; una "
        .. "dirección numérica, un puerto o un transporte en la URI omiten pasos",
    ["3263-4.3.a"] = "se prueba el siguiente servidor tras un 503, un fallo de transporte o silencio, y nunca "
        .. "tras otra respuesta",
    ["3263-4.3.b"] = "un destino que no respondió en absoluto se prueba el último durante un tiempo; las otras "
        .. "direcciones de su nombre no se ven afectadas",
    ["5393-4.a"] = "una petición que vuelve para la misma AOR es un bucle, sea cual sea su Request-URI",
    ["5393-5.a"] = "Max-Breadth limita las ramas simultáneas y se reparte entre ellas; 440, solo si no se "
        .. "puede reenviar nada",
    ["5658-a"] = "a una petición que sale por otro socket se le ponen dos Record-Route, y las posteriores salen por "
        .. "el socket que indica el Record-Route de ese lado",
    ["5922-7.a"] = "sobre TLS, el certificado del otro lado debe contener el dominio que se pidió",
    ["5954-4.a"] = "las direcciones IPv6 se comparan por su valor",
    ["code-2xx-register"] = "2xx a un REGISTER: el registro, el flujo y el Service-Route quedan como dice la respuesta",
    ["code-2xx-subscribe"] = "2xx a un SUBSCRIBE: la suscripción está activa y debe renovarse antes de que caduque",
    ["code-408-481"] = "algunos fallos dentro de un diálogo, entre ellos 408 y 481, terminan el uso del diálogo",
    ["code-412"] = "412: descartar la etiqueta de entidad y publicar de nuevo",
    ["code-422"] = "422: repetir con Min-SE",
    ["code-423"] = "423: repetir con al menos Min-Expires",
    ["code-491"] = "491: repetir al cabo de 2,1 a 4 s si este lado eligió el Call-ID; si no, de 0 a 2 s",
    ["code-6665"] = "algunos fallos de una renovación o de un NOTIFY terminan la suscripción; otros la "
        .. "conservan hasta que caduque",
    ["code-417"] = "417: repetir con una prioridad de Accept-Resource-Priority",
    ["code-424"] = "424: corregir la localización; el diálogo continúa",
    ["code-428-438"] = "428, 436, 437, 438: firmar la petición o corregir su firma",
    ["code-433"] = "433: no revelar nunca la identidad del llamante sin su consentimiento",
    ["code-440"] = "440: acotar la búsqueda",
    ["code-469"] = "469: usar otro Info Package; el uso del diálogo continúa",
    ["code-470"] = "470: obtener antes el consentimiento",
    ["code-489"] = "489: no volver a pedir ese paquete de eventos en ese destino",
    ["code-494"] = "494: elegir un mecanismo de Security-Server",
    ["code-555"] = "555: la red no tiene ese servicio push",
    ["code-607-608"] = "el 607 y el 608 actúan como cualquier otro 6xx",
    ["code-3608"] = "un REGISTER rechazado elimina el Service-Route",
}
