-- SPDX-License-Identifier: BSD-2-Clause
-- Qué significa cada código de respuesta registrado, en español: descripción, cuándo lo verás, cómo solucionarlo y
-- cuándo debe elegirlo un servidor. Todos los catálogos tienen los mismos códigos y campos.
return {
    [100] = {
        description = "El siguiente salto tiene la petición y está trabajando en ella. Detiene las retransmisiones \z
            de un INVITE por UDP y no significa nada más: todavía no ha sonado ningún teléfono. No crea diálogo y \z
            nunca pasa de un salto.",
        when = "En los primeros 200 ms de casi cualquier INVITE, desde el proxy o la centralita que tienes al lado. \z
            Una traza con un 100 y nada más quiere decir que tu vecino está vivo y que lo que hay detrás de él no \z
            responde.",
        fix = "No hay nada que arreglar. Si es lo único que ves, busca el INVITE que tu vecino envió hacia delante \z
            y el DNS, la base de datos o el temporizador que lo retiene. Si falta hasta el 100, se perdió la \z
            petición o su respuesta: revisa direcciones, NAT y cortafuegos.",
        use = "Envíalo enseguida cuando la respuesta final a un INVITE vaya a tardar más de 200 ms.",
    },
    [180] = {
        description = "El teléfono llamado está avisando a su usuario. El tag de To crea un diálogo temprano, y el \z
            llamante genera él mismo el tono de llamada si no le llega audio. Alert-Info puede indicar qué tono \z
            reproducir.",
        when = "Después del 100 y antes de que contesten, en una llamada corriente. Una llamada bifurcada da un 180 \z
            por cada teléfono que suena, cada uno con su propio tag en To.",
        fix = "No hay nada que arreglar. Si el llamante oye silencio, busca un 183 con SDP anterior: muchos \z
            teléfonos esperan entonces audio temprano y no generan tono. Si suena hasta que la llamada falla, mira \z
            qué temporizador o regla de no contesta la termina y si hay buzón de voz.",
        use = "Envíalo cuando se esté avisando al usuario y deba ser el llamante quien genere el tono.",
    },
    [181] = {
        description = "Un servidor del camino está enviando la llamada a un destino distinto del marcado. Es solo \z
            información: la respuesta llegará después, del destino nuevo. History-Info o Diversion cuentan por \z
            dónde ha pasado la llamada.",
        when = "Desde una centralita o un servidor de aplicaciones con desvío de llamadas, normalmente entre el 100 \z
            y el 180 del nuevo destino.",
        fix = "No hay nada que arreglar. Si el desvío no se quería, revisa los desvíos del usuario llamado; si la \z
            llamada muere después, mira el tramo hacia el nuevo destino y si hay un bucle de desvíos (482, 483).",
        use = "Envíalo cuando se esté desviando la llamada y convenga que el llamante lo sepa antes de que suene en \z
            otro sitio.",
    },
    [182] = {
        description = "El lado llamado no está libre y ha puesto la llamada en cola en vez de rechazarla. La frase de \z
            motivo puede indicar el puesto en la cola, y otros 182 pueden actualizarlo. La respuesta final llega \z
            cuando alguien queda libre.",
        when = "Desde centros de atención de llamadas y puestos de operadora. Muchos teléfonos lo muestran como si \z
            sonara o lo ignoran.",
        fix = "No hay nada que arreglar. Comprueba que el temporizador C de cada proxy (más de 3 minutos) se \z
            reinicie con cada provisional superior a 100, y repite el 182 cada minuto para que no se corten las \z
            esperas largas. Para dar música, contesta la llamada o usa 183 con SDP.",
        use = "Envíalo cuando la llamada espere a un agente libre y saberlo ayude al llamante a no colgar.",
    },
    [183] = {
        description = "La llamada avanza, y se dice de ella algo que ningún otro código dice: lo típico es SDP para \z
            audio temprano, con el que el llamante oye los tonos o locuciones de la otra red. Crea un diálogo \z
            temprano, como el 180.",
        when = "Desde gateways y operadores, con el tono de llamada o la locución de número inexistente que suena \z
            antes de que la llamada se conteste o falle.",
        fix = "En sí no hay nada que arreglar. Si tras el 183 no se oye nada, comprueba que el RTP llegue al \z
            llamante antes del 200 (NAT, latching del SBC), que la dirección del SDP sea correcta y que 100rel \z
            (PRACK) funcione si Require lo nombra. Si el tono sale doble o falta, quédate con el 180 o con el 183 \z
            con SDP, no con ambos.",
        use = "Envíalo cuando deba llegar al llamante audio temprano u otro progreso que un simple aviso de llamada \z
            no exprese.",
    },
    [199] = {
        description = "Ha terminado un diálogo temprano de una llamada bifurcada, aunque la llamada en conjunto \z
            sigue. Reason lleva el código que lo terminó. El llamante puede liberar ya los recursos de esa rama, \z
            sin esperar a la respuesta final.",
        when = "Solo si el INVITE traía Supported: 199. Lo envía el proxy que bifurca cuando una rama falla y otras \z
            siguen sonando; rara vez el propio teléfono.",
        fix = "No hay nada que arreglar: da por terminado ese diálogo temprano, corta su audio, no le envíes nada \z
            más y sigue esperando. Si confunde al equipo del llamante, quita 199 de su Supported.",
        use = "Envíalo cuando falle una rama de una llamada bifurcada, otras sigan y el llamante haya anunciado \z
            Supported: 199.",
    },
    [200] = {
        description = "La petición ha tenido éxito. Lo que eso trae depende del método: una llamada contestada con su \z
            SDP, un registro con su Contact y su caducidad, una suscripción o una lista de capacidades. El llamante \z
            confirma el 200 de un INVITE con un ACK propio; hasta que llega, el llamado repite el 200.",
        when = "Al final de toda transacción que sale bien. Varios 200 a un mismo INVITE con el mismo tag en To son \z
            retransmisiones: el ACK no está llegando.",
        fix = "No hay nada que arreglar, salvo que se repita o la llamada se corte a los 32 s: entonces se pierde \z
            el ACK. Revisa Contact y Record-Route del 200 (dirección privada, puerto o transporte equivocado) y el \z
            camino que toma el ACK. Un segundo 200 con otro tag en To es otro teléfono que contestó: envíale ACK y \z
            luego BYE.",
        use = "Envíalo cuando la petición se haya cumplido.",
    },
    [202] = {
        description = "Una forma antigua de decir que un SUBSCRIBE o un REFER se ha aceptado para tramitarlo. Está en \z
            desuso: quien lo recibe lo trata como 200, y un equipo nuevo envía 200. Si la suscripción se concedió o \z
            no, lo dice el NOTIFY que viene después.",
        when = "Desde teléfonos y centralitas antiguos, ante REFER (transferencias) y SUBSCRIBE. Algunos gateways \z
            aún lo envían ante MESSAGE para decir «guardado, no entregado».",
        fix = "Léelo exactamente como un 200 y espera el NOTIFY. Si es tu servidor quien lo envía ante SUBSCRIBE, \z
            cámbialo por 200.",
        use = "No lo envíes ya ante SUBSCRIBE; responde 200, diga lo que diga después el NOTIFY.",
    },
    [204] = {
        description = "La renovación del SUBSCRIBE ha tenido éxito y, como el suscriptor ya tiene el estado actual, \z
            no vendrá ningún NOTIFY. Expires indica la nueva duración. Así se ahorra una notificación completa en \z
            cada renovación.",
        when = "Solo si la renovación llevaba un Suppress-If-Match cuya etiqueta de entidad coincide con lo que el \z
            notificador habría enviado. Es raro fuera de servidores de presencia con notificación condicional.",
        fix = "No hay nada que arreglar: conserva el estado que tienes y renueva antes de Expires. Si el suscriptor \z
            se queda esperando un NOTIFY y abandona, algo del camino (a menudo un B2BUA) no conoce la notificación \z
            condicional: renueva sin Suppress-If-Match.",
        use = "Envíalo ante una renovación cuyo Suppress-If-Match coincide, cuando no haga falta enviar NOTIFY.",
    },
    [300] = {
        description = "La dirección corresponde a varios sitios, que vienen como Contact, y el llamante debe \z
            elegir. Los valores q dan el orden que seguiría el servidor. Todavía no se ha establecido ninguna \z
            llamada.",
        when = "Desde servidores de redirección, de portabilidad y de rutas por coste (LCR), que devuelven los \z
            troncales en el orden en que hay que probarlos.",
        fix = "Haz que tu proxy o SBC siga los Contact según q, o deja elegir al usuario. Si la llamada se queda \z
            ahí, el proxy tiene desactivado el seguir redirecciones o los Contact no se resuelven. Sigue solo \z
            redirecciones de servidores de confianza: un 300 ajeno puede llevar a números caros.",
        use = "Envíalo cuando sirvan varios destinos y el servidor no vaya a encaminar él mismo la petición.",
    },
    [301] = {
        description = "El usuario ya no está en esta dirección; Contact trae la nueva, para siempre. El llamante debe \z
            usarla desde ahora y corregir sus agendas.",
        when = "Tras un cambio de numeración o de dominio, desde un servidor de redirección. Se ve poco, porque \z
            casi todos los operadores prefieren desviar en el servidor.",
        fix = "Llama al Contact y corrige la dirección guardada, el plan de marcación o la ruta. Si apunta al sitio \z
            de donde venía la llamada, los datos de redirección están mal.",
        use = "Envíalo cuando una dirección se haya sustituido de forma permanente y convenga recordar la nueva.",
    },
    [302] = {
        description = "Para esta llamada, prueba el Contact. Solo se puede guardar mientras diga Expires (la \z
            cabecera o el parámetro del Contact); sin él, vale para una sola vez.",
        when = "Desde teléfonos con desvío activado (siempre, si ocupado, si no contesta) y desde servidores de \z
            redirección y de rutas que devuelven el troncal que hay que usar.",
        fix = "Haz que el proxy o la centralita siga el Contact, como un destino más de la misma llamada. Si el \z
            desvío falla, comprueba que tu proxy llega al dominio del Contact y que el tramo desviado se puede \z
            cobrar a quien desvía. Cuenta las redirecciones para cortar bucles.",
        use = "Envíalo cuando esta llamada deba ir a otro sitio y la dirección en sí siga siendo válida.",
    },
    [305] = {
        description = "Al usuario solo se llega por el proxy que indica Contact, y esta petición debe enviarse a \z
            través de él. Solo puede enviarlo el agente de usuario llamado, no un proxy.",
        when = "Prácticamente nunca: casi ningún cliente lo admite, y saltar sin más a un proxy que elige el otro \z
            lado es un riesgo de seguridad.",
        fix = "Si confías en ese proxy, ponlo a mano en el encaminamiento del llamante (outbound proxy o Route). En \z
            el lado llamado, desactiva la función y encamina por el proxy mediante DNS o el plan de marcación.",
        use = "Evítalo; publica el proxy en DNS (SRV) o usa Path y Route.",
    },
    [380] = {
        description = "La llamada tal como se pidió ha fallado, pero otro servicio podría atender al llamante, y el \z
            cuerpo lo describe. RFC 3261 no define el formato de ese cuerpo; las redes móviles tienen el suyo \z
            (3GPP).",
        when = "En IMS y VoLTE: el P-CSCF responde 380 a una llamada de emergencia que hay que hacer de otra \z
            manera, por ejemplo por la red de circuitos.",
        fix = "Lee el cuerpo y haz lo que dice: un teléfono IMS establece la llamada de emergencia como se le \z
            indica. En otro entorno, trátalo como un 3xx sin Contact utilizable: la llamada ha fallado. Averigua \z
            por qué el servidor tomó el número por una emergencia o un servicio especial.",
        use = "Envíalo solo si ambos lados conocen el formato del cuerpo que describe la alternativa.",
    },
    [400] = {
        description = "El servidor no pudo entender la petición: falta una cabecera, está mal formada o contradice a \z
            otra. La frase de motivo debería nombrar la causa. También hace las veces de cualquier 4xx que el \z
            receptor no conozca.",
        when = "Desde analizadores y SBC estrictos, tras un cambio de software, o cuando un script o un router con \z
            SIP ALG ha estropeado el mensaje. También ante un REGISTER con reg-id y varios Contact.",
        fix = "Lee la frase de motivo y el Warning, si lo hay, y mira la petición como llegó, no como salió: un ALG o \z
            una regla de reescritura puede haberla cambiado. Revisa Via, CSeq, Content-Length y las comillas de las \z
            URI. Desactiva el SIP ALG.",
        use = "Envíalo ante una sintaxis errónea cuando no haya código más preciso, y di en la frase de motivo qué \z
            está mal.",
    },
    [401] = {
        description = "El agente de usuario llamado o el registrar quiere saber quién envía la petición. \z
            WWW-Authenticate trae el reto: realm, nonce, algoritmo. El cliente repite la petición con Authorization, \z
            el mismo Call-ID y un CSeq mayor en uno.",
        when = "Como primera respuesta normal a un REGISTER; después viene el 200. Las centralitas también retan \z
            con él un INVITE.",
        fix = "Un 401 y luego un 200 es lo normal. Un 401 tras otro: usuario, contraseña o realm erróneos, o un nonce \z
            caducado (stale=true: el cliente solo tiene que repetir). Comprueba que el usuario de autenticación sea \z
            el de la cuenta, que los nodos de un clúster que validan nonces tengan la misma hora y que ningún proxy \z
            quite Authorization.",
        use = "Envíalo como registrar, B2BUA o agente de usuario para pedir credenciales; un proxy envía 407.",
    },
    [402] = {
        description = "Reservado: ningún RFC dice qué significa, y un cliente lo toma por 400. En la práctica \z
            quiere decir que no hay saldo o que la cuenta está suspendida.",
        when = "Desde plataformas de prepago y operadores mayoristas, cuando el saldo no alcanza para el primer \z
            intervalo. Otros responden 403 en ese caso.",
        fix = "Revisa el saldo, el límite de crédito y el estado de la cuenta en ese operador, y luego el precio \z
            del destino. Repetir la llamada no sirve hasta que la cuenta esté en orden; mientras tanto, encamina \z
            por otro operador.",
        use = "Envíalo solo si ambos lados lo han acordado; un 403 con una frase de motivo clara lo entiende todo el \z
            mundo.",
    },
    [403] = {
        description = "El servidor ha entendido y se niega; las credenciales no le harán cambiar de idea. Se usa para \z
            destinos restringidos, orígenes no permitidos y comprobaciones fallidas, como un token de flujo \z
            falsificado o un PASSporT con fecha caducada.",
        when = "Desde operadores (número de origen que no es tuyo, destino restringido, IP no autorizada), desde \z
            registrars tras una contraseña errónea o con la cuenta bloqueada, y desde centralitas con permisos de \z
            llamada.",
        fix = "Lee la frase de motivo. Compara la IP de origen, From y P-Asserted-Identity con lo que el otro lado \z
            tiene dado de alta, y revisa los permisos para el destino. No repitas la petición tal cual: los \z
            reintentos automáticos pueden acabar en bloqueo.",
        use = "Envíalo cuando la petición esté clara, el rechazo sea por política y autenticarse no sirva.",
    },
    [404] = {
        description = "El servidor sabe con certeza que ese usuario no existe en el dominio, o que el dominio no es \z
            suyo. Si es un número: no está asignado o no hay ruta hacia él.",
        when = "Por un número mal marcado o portado, una extensión que no se llegó a crear, un dominio equivocado \z
            tras la @ o un operador sin ruta. Un registrar lo envía para una AOR desconocida; si el usuario existe \z
            pero está desconectado, es 480.",
        fix = "Mira el Request-URI tal como llegó al servidor que respondió 404: formato del número (+, prefijo, \z
            código de país), dominio y puerto. Después, si el usuario o la ruta existen y si el servidor tiene ese \z
            dominio por suyo. Dentro de una llamada significa que el Contact está mal.",
        use = "Envíalo cuando sea seguro que el usuario no existe en este dominio.",
    },
    [405] = {
        description = "El método se conoce, pero no se permite para esta dirección. Allow enumera los que sí.",
        when = "SUBSCRIBE, PUBLISH, REFER o MESSAGE enviados a un troncal o teléfono que no los ofrece, o REGISTER \z
            enviado a un servidor que no es registrar. También llega como respuesta a los sondeos con OPTIONS, y aun \z
            así demuestra que el otro lado está vivo.",
        fix = "Compara el método con Allow y prescinde de él (nada de transferir con REFER, por ejemplo) o envíalo \z
            al servidor adecuado. Si es REGISTER, revisa la dirección del registrar; en tu propio servidor, \z
            habilita el método para esa dirección.",
        use = "Envíalo, con Allow, cuando conozcas el método y no lo permitas para esta dirección.",
    },
    [406] = {
        description = "Cualquier respuesta que el servidor pudiera dar lleva un cuerpo de un tipo que el Accept de \z
            la petición excluye. Trata del tipo de la respuesta, no del SDP ofrecido.",
        when = "Pocas veces: con SUBSCRIBE, cuando ningún valor de Accept sirve para el cuerpo del paquete de \z
            eventos, o con OPTIONS. Algunos equipos lo usan mal para códecs que no coinciden, donde corresponde un \z
            488.",
        fix = "Añade a Accept el tipo que falta (application/pidf+xml para presencia, application/sdp para \z
            llamadas) o quita Accept. Si llegó ante un INVITE, compara los códecs como harías con un 488.",
        use = "Envíalo cuando el Accept de la petición excluya todos los cuerpos que podrías devolver.",
    },
    [407] = {
        description = "Un proxy del camino quiere credenciales antes de dejar pasar la petición. El reto viene en \z
            Proxy-Authenticate y la respuesta va en Proxy-Authorization, con el mismo Call-ID y un CSeq mayor en \z
            uno.",
        when = "Como primera respuesta a un INVITE a través del proxy de un proveedor, y a cada petición nueva fuera \z
            de diálogo. Si hay varios proxies, cada uno puede pedir las suyas.",
        fix = "Un 407 y luego el éxito es lo normal. Si se repite: credenciales o realm erróneos, un nonce caducado o \z
            un cliente que rellena Authorization en lugar de Proxy-Authorization. En troncales, comprueba si el \z
            proveedor quiere registro, IP fija o digest. ACK y CANCEL no se pueden retar.",
        use = "Envíalo como proxy, para que el llamante se autentique antes de encaminar la petición.",
    },
    [408] = {
        description = "No llegó respuesta a tiempo. Lo normal es que no lo haya escrito ningún servidor: venció el \z
            temporizador propio del cliente (B, F o C, 32 s o más), y eso actúa como un 408. No dice nada de si el \z
            otro lado existe.",
        when = "Cuando se pierden o descartan paquetes: equipo caído, cortafuegos, puerto equivocado, NAT caducado, \z
            respuesta enviada a una dirección errónea. También cuando un proxy abandona un teléfono que sonó \z
            demasiado tiempo, y desde gateways por la causa RDSI 18.",
        fix = "Sigue la petición salto a salto hasta el último que la muestre. Revisa DNS, rutas, cortafuegos y \z
            keep-alives de NAT y, por UDP, los mensajes mayores que la MTU que llegan en fragmentos. Se puede \z
            repetir; con RFC 5626 cabe probar otro flujo del mismo teléfono.",
        use = "Envíalo como servidor que no encontró respuesta a tiempo; nunca como respuesta a algo que no sea \z
            INVITE (RFC 4320).",
    },
    [410] = {
        description = "La dirección existió y ha desaparecido para siempre, sin que se conozca otra. El llamante \z
            debería borrarla.",
        when = "Desde operadores, para números dados de baja o devueltos, y tras cerrarse una cuenta.",
        fix = "Averigua el número nuevo y quita el antiguo de planes de marcación, agendas y rutas. Si el número \z
            debería funcionar, mira si se portó o se dio de baja. No vuelvas a llamar de forma automática.",
        use = "Envíalo cuando sepas que la dirección ha desaparecido para siempre; si no lo sabes, envía 404.",
    },
    [412] = {
        description = "El PUBLISH nombraba en SIP-If-Match una etiqueta de entidad que el servidor no tiene: el \z
            estado publicado caducó o lo guarda otro servidor. La misma petición no se debe repetir.",
        when = "En renovaciones de presencia que llegan tarde, tras reiniciar el servidor de presencia o cuando un \z
            clúster no comparte su estado.",
        fix = "Olvida la etiqueta de entidad y haz un PUBLISH completo, sin SIP-If-Match. Si ocurre a menudo, renueva \z
            antes de Expires y guarda el estado de presencia en un almacenamiento compartido o persistente.",
        use = "Envíalo ante un PUBLISH cuyo SIP-If-Match no coincida con nada de lo que guardas.",
    },
    [413] = {
        description = "El cuerpo es más grande de lo que el servidor acepta. Con Retry-After es algo pasajero; sin \z
            él, permanente.",
        when = "Con SDP largos (muchos códecs, candidatos ICE, vídeo), MESSAGE con mucho texto o documentos de \z
            presencia. El servidor puede cerrar después la conexión TCP.",
        fix = "Reduce el cuerpo: menos códecs y candidatos, un enlace externo en lugar del contenido, MSRP para \z
            mensajes largos. En tu propio servidor, sube el límite del cuerpo. Si trae Retry-After, espera ese \z
            tiempo.",
        use = "Envíalo cuando el problema sea el cuerpo; 513 es para el mensaje entero.",
    },
    [414] = {
        description = "El Request-URI es más largo de lo que el servidor está dispuesto a leer. El resto de la \z
            petición ni se ha examinado.",
        when = "Casi nunca, salvo con URI que llevan muchos datos (cabeceras incrustadas, parámetros largos, \z
            tokens) o que crecen en cada salto de un bucle.",
        fix = "Acorta el Request-URI: pasa datos a cabeceras y quita parámetros innecesarios. Si crece de un salto \z
            a otro, una regla de reescritura le añade algo cada vez: encuéntrala.",
        use = "Envíalo cuando sea solo el Request-URI lo que supera tu límite.",
    },
    [415] = {
        description = "El tipo, la codificación o el idioma del cuerpo no se admiten para este método. Accept, \z
            Accept-Encoding o Accept-Language enumeran lo que sí.",
        when = "Un INVITE con un cuerpo que no es SDP (multipart con localización o ISUP, por ejemplo), un cuerpo \z
            comprimido, un MESSAGE en HTML o un INFO con DTMF en un tipo que el otro lado no acepta.",
        fix = "Repite la petición con un cuerpo de un tipo de Accept. Para DTMF por INFO, acuerda \z
            application/dtmf-relay o usa eventos RFC 4733. Con multipart, haz que el SBC quite las partes que el \z
            operador no entiende.",
        use = "Envíalo, con el Accept que corresponda, cuando el problema sea el formato del cuerpo.",
    },
    [416] = {
        description = "El servidor no conoce el esquema del Request-URI: tel:, urn:, im: o similar.",
        when = "Con URI tel: enviadas a un servidor que solo encamina sip:, o urn:service:sos a uno sin \z
            encaminamiento de emergencias. Dentro de un diálogo significa que el Contact remoto es inservible.",
        fix = "Envía una URI sip: (sip:+34910000000@proveedor;user=phone en lugar de tel:). En tu propio servidor, \z
            traduce tel: a sip: antes de encaminar y atiende urn:service:sos.",
        use = "Envíalo cuando no puedas procesar el esquema del Request-URI.",
    },
    [417] = {
        description = "Aquí no se conoce ninguno de los valores de Resource-Priority, y el llamante lo exigía \z
            (Require: resource-priority). Accept-Resource-Priority puede enumerar los que sí.",
        when = "En redes gubernamentales, militares y de emergencias (espacios ets, wps, dsn, esnet), cuando la \z
            llamada pasa a una red que no conoce ese espacio de nombres.",
        fix = "Elige en Accept-Resource-Priority un valor al que el llamante tenga derecho, o quita el Require para \z
            que se ignoren los valores desconocidos. En la frontera, traduce los espacios de nombres.",
        use = "Envíalo cuando haya Require: resource-priority y no conozcas ninguno de los espacios o valores.",
    },
    [420] = {
        description = "La petición exige, en Require o Proxy-Require, una extensión que el servidor no admite. \z
            Unsupported la nombra.",
        when = "Un equipo con Require: 100rel, timer, replaces o precondition llama a otro que no la tiene. El caso \z
            clásico son los equipos VoLTE frente a SIP corriente.",
        fix = "Repite la petición sin las extensiones de Unsupported y ofrécelas solo en Supported. En teléfonos y \z
            centralitas, pasa 100rel y los temporizadores de sesión de «obligatorio» a «admitido».",
        use = "Envíalo, con Unsupported, cuando Require o Proxy-Require nombre una extensión que no admites.",
    },
    [421] = {
        description = "El servidor no puede atender la petición sin una extensión que el cliente no anuncia. Require \z
            la nombra.",
        when = "Rara vez: servidores que se empeñan en 100rel, timer, sec-agree o path. La mayoría debería seguir \z
            adelante sin la extensión.",
        fix = "Activa esa extensión en el cliente (Supported) si la tiene; si no, rebaja la exigencia del servidor. \z
            Con sec-agree la respuesta trae además Security-Server.",
        use = "Envíalo, con Require, solo cuando sin la extensión no sea posible ningún servicio útil.",
    },
    [422] = {
        description = "El Session-Expires de la petición es menor de lo que acepta un proxy o el llamado. Min-SE da \z
            el mínimo que vale; nunca baja de 90 s.",
        when = "Al establecer o renovar una llamada, entre equipos con temporizadores de sesión distintos.",
        fix = "El cliente repite el INVITE o UPDATE con Session-Expires y Min-SE iguales o mayores que el valor \z
            dado (el mayor de los que haya visto), y la llamada sigue. Si no lo hace, sube el temporizador de \z
            sesión en su configuración; 1800 s es lo habitual.",
        use = "Envíalo, con Min-SE, cuando el intervalo de sesión sea demasiado corto y el cliente admita timer.",
    },
    [423] = {
        description = "La duración pedida es demasiado corta para este servidor. Min-Expires dice la mínima que \z
            concede.",
        when = "Ante REGISTER de clientes que piden 30 o 60 s para mantener abierto el NAT; también ante SUBSCRIBE \z
            y PUBLISH. Un Expires: 0 nunca se rechaza así.",
        fix = "El cliente repite enseguida con Min-Expires como mínimo. Para mantener abierto el NAT usa \z
            keep-alives con CRLF, STUN u OPTIONS, no registros cortos. Si el mínimo del registrar es alto para tu \z
            red, bájalo.",
        use = "Envíalo, con Min-Expires, ante un REGISTER, SUBSCRIBE o PUBLISH con una duración inferior a tu \z
            mínimo.",
    },
    [424] = {
        description = "La localización de la petición está mal formada, no sirve para lo que se necesita o no se \z
            pudo obtener. Geolocation-Error dice qué falla, y la respuesta puede traer incluso la localización que \z
            hay que usar.",
        when = "En llamadas de emergencia y redes de empresa con servidores de localización, ante peticiones con \z
            Geolocation; nunca ante peticiones sin ella. No termina una llamada en curso.",
        fix = "Corrige la localización según Geolocation-Error: renueva la referencia, envía el PIDF-LO en el \z
            cuerpo o adopta la localización de la respuesta. Reintenta pocas veces (se aconsejan tres como máximo), \z
            para que un receptor no vaya sonsacando más localización.",
        use = "Envíalo, con Geolocation-Error, cuando necesites una localización y ninguna de la petición sirva.",
    },
    [425] = {
        description = "La alerta de la petición (un documento CAP, como los que envían alarmas y sensores) está tan \z
            mal formada que no permite ninguna actuación de emergencia razonable. AlertMsg-Error dice qué falla.",
        when = "Entre dispositivos de alerta y servicios de emergencias que usan RFC 8876. Nunca ante una petición \z
            sin alerta, y rara vez si algo de ella se puede aprovechar.",
        fix = "Corrige el documento CAP según AlertMsg-Error y envíalo de nuevo: compruébalo contra el esquema, y \z
            revisa el identificador del emisor y las fechas. No termina ningún diálogo existente.",
        use = "Envíalo, con AlertMsg-Error, solo cuando la petición no contenga nada con lo que se pueda actuar.",
    },
    [428] = {
        description = "La red llamada solo acepta llamadas firmadas, y esta no trae ningún Identity que le sirva. \z
            Lo dice su política, no la sintaxis.",
        when = "En redes STIR/SHAKEN, cuando una llamada llega sin PASSporT o solo con tipos (ppt) que el \z
            verificador no admite.",
        fix = "Firma la llamada donde entra en tu red (servicio de autenticación, SBC) y comprueba que nada del \z
            camino quite Identity. Por TDM o por un operador sin STIR la firma se pierde: usa otra ruta.",
        use = "Envíalo como servicio de verificación cuya política exige firma y que no encuentra ninguna que \z
            admita.",
    },
    [429] = {
        description = "El destino de la transferencia (o el transferido) quiere una prueba de quién remitió la \z
            llamada: un token Referred-By firmado. El de la petición falta, ha caducado o no es válido.",
        when = "En llamadas que siguen a un REFER, si el destino comprueba tokens Referred-By. Quien transfiere lo \z
            ve en el NOTIFY como «SIP/2.0 429» o como respuesta a su propio REFER. Raro en la práctica.",
        fix = "Quien transfiere envía otro REFER con un token Referred-By (cuerpo firmado). Si tu equipo no sabe \z
            hacerlo, quita la exigencia en el destino o transfiere mediante B2BUA o Replaces.",
        use = "Envíalo como destino o como transferido cuando no aceptes una transferencia sin token válido.",
    },
    [430] = {
        description = "El proxy de borde ha perdido el flujo (la conexión TCP o el camino UDP) hacia un contacto \z
            registrado del teléfono. Habla de ese flujo y de nada más: al mismo teléfono se puede llegar por otro. Es \z
            un mensaje entre proxies y nunca debe llegar a un llamante.",
        when = "Con registros outbound (RFC 5626), después de que el teléfono o el NAT se reinicie, se rompa la \z
            conexión o se reinicie el proxy de borde. Solo entre el proxy de borde y el proxy del registrar.",
        fix = "El proxy con autoridad borra ese registro y prueba otro flujo del mismo instance-id (otro reg-id); si \z
            no queda ninguno, el llamante recibe 480. El teléfono lo nota por sus keep-alives y se registra de nuevo. \z
            Si es frecuente, revisa los intervalos de keep-alive (Flow-Timer), los tiempos del NAT y que los \z
            teléfonos se registren por dos proxies de borde. Si un llamante ve alguna vez un 430, arregla el proxy.",
        use = "Envíalo como proxy de borde, enseguida, cuando haya desaparecido el flujo que nombra un token \z
            válido.",
    },
    [433] = {
        description = "El lado llamado no acepta llamadas anónimas. Lo dice para que el llamante pueda decidir si \z
            vuelve a llamar mostrando su identidad.",
        when = "Cuando el llamado tiene activado el rechazo de llamadas anónimas y el llamante ocultó su número \z
            (Privacy: id, o From anónimo). Muchas redes responden 403 o 603, o ponen una locución.",
        fix = "El llamante puede volver a llamar sin ocultar el número, a sabiendas: un servidor nunca debe revelar \z
            su identidad por su cuenta. Si no quería ser anónimo, busca el ajuste del troncal o la centralita que \z
            envía Privacy o un From anónimo.",
        use = "Envíalo cuando el anonimato sea el motivo del rechazo, y el único.",
    },
    [436] = {
        description = "El servicio de verificación no pudo obtener las credenciales: falló la URI del parámetro \z
            info de todas las cabeceras Identity. De la firma en sí no se dice nada.",
        when = "En STIR/SHAKEN, cuando la URL del certificado (x5u, info) no responde: servidor caído, fallo de TLS \z
            o DNS, bloqueo de un cortafuegos o una URL a la que solo se llega desde dentro.",
        fix = "Pide esa URL desde fuera de tu red. Publica el certificado en una dirección HTTPS accesible, mantén en \z
            marcha ese servidor y al día su certificado TLS, y luego firma y envía otra vez. En el lado que verifica, \z
            revisa la salida HTTPS.",
        use = "Envíalo como servicio de verificación que no puede obtener las credenciales de ninguna cabecera \z
            Identity.",
    },
    [437] = {
        description = "El servicio de verificación tiene las credenciales, pero no las acepta: una autoridad en la \z
            que no confía, un certificado caducado o inadecuado, un algoritmo que no admite.",
        when = "En STIR/SHAKEN, con certificados de una autoridad ajena a la lista del país o del grupo de \z
            confianza, o con certificados de prueba usados en producción.",
        fix = "Firma con un certificado en el que la otra red confíe (en SHAKEN, de una autoridad aprobada), revisa \z
            su validez y su TNAuthList, y envía otra vez. En el lado que verifica, actualiza la lista de \z
            autoridades.",
        use = "Envíalo como servicio de verificación que tiene la credencial y no la admite o no confía en ella.",
    },
    [438] = {
        description = "Ninguna cabecera Identity contiene un PASSporT que se verifique: la firma no casa con lo que \z
            la petición dice ahora. Puede ser una falsificación, o algún equipo del camino ha cambiado lo firmado.",
        when = "En STIR/SHAKEN, cuando un SBC o un operador de tránsito cambió From, To o Date tras la firma, o se \z
            desvió la llamada sin un PASSporT div.",
        fix = "Compara orig, dest e iat del PASSporT con From (o P-Asserted-Identity), To y Date tal como llegaron. \z
            Si se usó la forma compacta, firma con la completa y prueba una vez más. Firma como último paso antes \z
            de la frontera y no reescribas números después.",
        use = "Envíalo como servicio de verificación cuya política rechaza peticiones con firmas que no cuadran.",
    },
    [439] = {
        description = "El registrar admite outbound (RFC 5626), pero el primer proxy por el que pasó el teléfono \z
            no: no puso un Path con ob. Los registros por flujo no funcionarían.",
        when = "Solo ante REGISTER con reg-id y Supported: outbound. Lo típico es que un SBC o proxy delante del \z
            registrar no añada Path, o que se perdiera el parámetro ob del proxy de borde.",
        fix = "En el proxy de borde, activa outbound (Path con token de flujo y ob). En el teléfono, regístrate sin \z
            outbound o por otro primer salto. Comprueba que cada proxy conserve Path y que el registrar vea ob en \z
            la URI del primer salto.",
        use = "Envíalo como registrar, solo ante un REGISTER con reg-id y Supported: outbound cuyo primer salto no \z
            lo admita.",
    },
    [440] = {
        description = "El proxy tendría que bifurcar la petición en más ramas paralelas de las que deja \z
            Max-Breadth. La petición no llegó a todos los destinos posibles.",
        when = "Con grupos de salto grandes que se bifurcan en otros, o con desvíos que multiplican las llamadas: \z
            Max-Breadth existe precisamente para pararlo.",
        fix = "Haz sonar menos destinos a la vez (en serie en vez de en paralelo), deshaz los grupos que se \z
            contienen unos a otros o sube el Max-Breadth inicial (lo normal es 60). Repetir la misma petición no \z
            cambia nada.",
        use = "Envíalo como proxy al que no le alcanza Max-Breadth para bifurcar y que no va a hacerlo en serie ni \z
            a redirigir.",
    },
    [469] = {
        description = "El INFO pertenece a un Info Package que el receptor no ofreció recibir. Recv-Info enumera \z
            los que sí. Solo falla ese INFO: la llamada sigue.",
        when = "En llamadas donde un lado envía INFO con un Info-Package (de DTMF o señalización) que el otro no \z
            anunció, o ya no anuncia, en Recv-Info.",
        fix = "Envía solo paquetes del Recv-Info del otro lado o usa otro medio (RFC 4733 para DTMF). No cuelgues \z
            nunca por esto. En el lado receptor, anuncia el paquete en Recv-Info si lo admites.",
        use = "Envíalo, con Recv-Info, ante un INFO cuyo paquete no anunciaste.",
    },
    [470] = {
        description = "La petición lleva una lista de destinatarios, y para al menos uno de ellos el servidor que \z
            reenvía no tiene consentimiento. Permission-Missing nombra las URI.",
        when = "Desde servidores que reparten mensajes o invitaciones a una lista (servicios RFC 5365, 5366) con el \z
            marco de consentimiento. Poco común.",
        fix = "Consigue el consentimiento de los destinatarios (el servidor se lo pide al añadirlos a su lista, por \z
            XCAP por ejemplo) o quita de la lista las URI nombradas y envía de nuevo.",
        use = "Envíalo como servidor de listas, con Permission-Missing, cuando un destinatario no haya dado su \z
            consentimiento.",
    },
    [480] = {
        description = "El usuario se conoce, pero ahora mismo no se puede llegar a él: no registrado, no contesta, no \z
            molestar. La frase de motivo debería decir cuál es el caso. Retry-After puede indicar cuándo volver a \z
            llamar.",
        when = "Desde el proxy del registrar, para un usuario sin registro o con todos sus flujos muertos; desde un \z
            teléfono en no molestar; desde gateways, por las causas RDSI 19 (no contesta) y 20 (abonado ausente). \z
            También es lo que recibe el llamante en lugar de un 430.",
        fix = "Mira si el teléfono está registrado (registros, caducidad, keep-alives, NAT) y en qué estado. Si los \z
            registros se caen, compara el intervalo de registro con el tiempo del NAT. Con 480 encamina al buzón \z
            igual que si no contesta.",
        use = "Envíalo cuando el usuario exista, ahora no se pueda llegar a nada suyo y no sepas más.",
    },
    [481] = {
        description = "La petición pertenece a un diálogo o transacción que el receptor no tiene. El uso del \z
            diálogo (llamada o suscripción) ha terminado en ese lado, así que el emisor también lo termina.",
        when = "BYE o re-INVITE después de que el otro lado se reinicie o conmute; un CANCEL tardío; NOTIFY tras \z
            acabar la suscripción; peticiones a las que un B2BUA cambió los tags o el Call-ID. Las renovaciones de \z
            sesión descubren así llamadas muertas.",
        fix = "Termina la llamada o suscripción en tu lado y establece otra si hace falta. Si afecta a llamadas \z
            vivas, comprueba que las peticiones dentro del diálogo sigan el mismo camino (Record-Route), que tags y \z
            Call-ID no cambien y que el clúster comparta los diálogos. Un 481 a un CANCEL no termina nada por sí \z
            solo.",
        use = "Envíalo ante una petición dentro de diálogo, un CANCEL o un Replaces que no case con nada que \z
            conozcas.",
    },
    [482] = {
        description = "La petición ha vuelto a un servidor que ya la había tratado igual, o ha llegado dos veces al \z
            mismo agente de usuario por caminos distintos (petición fusionada).",
        when = "Dos servidores, cada uno de los cuales cree que el dominio es del otro; desvíos en círculo; un plan \z
            de marcación que devuelve el número por donde vino; una copia de la llamada a un teléfono que aún tiene \z
            la primera.",
        fix = "Mira la lista de Via: la misma dirección dos veces delata el círculo. Corrige los dominios que cada \z
            servidor tiene por suyos y las reglas de desvío. Si es fusionada: no envíes una segunda copia al mismo \z
            teléfono mientras viva la primera.",
        use = "Envíalo cuando una petición dé vueltas sin cambiar (RFC 5393) o llegue una copia fusionada.",
    },
    [483] = {
        description = "Max-Forwards llegó a cero antes de que la petición llegara a su destino. Es la red de \z
            seguridad para los bucles que la detección de bucles no ve.",
        when = "En bucles entre servidores que cambian cada vez la petición (número, dominio), en cadenas de B2BUA \z
            o con un Max-Forwards que empieza demasiado bajo.",
        fix = "Lee Via e History-Info para ver por dónde dio vueltas y corrige esa regla de encaminamiento. \z
            Comprueba que las peticiones salgan con Max-Forwards 70 y que tus B2BUA conserven el valor, menos uno. \z
            Subirlo solo esconde el bucle.",
        use = "Envíalo como proxy ante una petición con Max-Forwards 0 que tendría que seguir adelante.",
    },
    [484] = {
        description = "El número aún no está completo: faltan dígitos. Es lo que hace posible la marcación solapada \z
            (overlap).",
        when = "Hacia gateways y centralitas con números de longitud variable, tras un plan de marcación que envió \z
            demasiado pronto o cuando se recortó el prefijo.",
        fix = "Recoge los dígitos y envía el número entero de una vez (mapa de dígitos, tiempo entre dígitos). Si \z
            está completo, el plan del otro lado espera otro formato: prefijo, código de país, +. Con marcación \z
            solapada, sigue enviando números más largos.",
        use = "Envíalo cuando los dígitos recibidos sean el comienzo de números válidos y no uno de ellos.",
    },
    [485] = {
        description = "La dirección vale para varias personas, y el servidor no sabe a cuál se refiere. Contact \z
            puede enumerarlas. A diferencia del 300, debe elegir una persona, no un programa.",
        when = "Con marcación por nombre y servicios de directorio (sip:garcia@example.com). Raro en telefonía.",
        fix = "Elige en Contact la correcta y llámala, o usa la dirección completa. En el servidor, da a los \z
            usuarios direcciones únicas; si enumerar nombres perjudica la privacidad, responde 404.",
        use = "Envíalo cuando la dirección encaje con varias personas y puedas revelarlo.",
    },
    [486] = {
        description = "Se llegó a este teléfono y está ocupado, o su usuario rechazó la llamada. Habla solo por ese \z
            dispositivo: otro teléfono del usuario o el buzón de voz aún pueden contestar. Retry-After puede indicar \z
            cuándo volver a intentarlo.",
        when = "Desde un teléfono en conversación sin llamada en espera, tras el botón de rechazar de muchos \z
            teléfonos, o desde un gateway por la causa RDSI 17 (usuario ocupado). Una centralita lo envía con la \z
            línea o la cola llenas.",
        fix = "Llama más tarde, o deja que el servidor siga con el buzón, otro dispositivo o un compañero. Si llega \z
            sin que nadie esté hablando, revisa la llamada en espera, el límite de líneas, llamadas que se quedaron \z
            abiertas (481 al BYE) y el modo no molestar.",
        use = "Envíalo cuando este extremo esté ocupado y el usuario aún pueda contestar en otro.",
    },
    [487] = {
        description = "El INVITE se terminó antes de que contestaran, por CANCEL o BYE. Es la respuesta final del \z
            propio INVITE; el CANCEL tuvo aparte su 200.",
        when = "Cada vez que un llamante cuelga mientras suena, y en cada rama que pierde cuando una llamada \z
            bifurcada se contesta en otra. El CANCEL también puede venir de un temporizador del llamante.",
        fix = "Si el llamante desistió, nada que arreglar. Si las llamadas se cortan pronto, averigua quién envió \z
            el CANCEL y a los cuántos segundos: tiempo de timbre en el proxy, el plan o el cliente, o falta de \z
            tono, que hace colgar a la gente. Mira Reason en el CANCEL.",
        use = "Envíalo al INVITE cuando su CANCEL (o un BYE) haya llegado antes que la respuesta.",
    },
    [488] = {
        description = "Algo de la oferta no es aceptable para este dispositivo: códecs, cifrado, direcciones, ancho \z
            de banda. Warning puede decir qué, y un cuerpo lo que sí sabe hacer. Otro destino quizá la acepte.",
        when = "Ningún códec común; SRTP contra RTP sin cifrar; perfil WebRTC (RTP/SAVPF) contra un teléfono \z
            corriente; re-INVITE de fax (T.38) rechazado; audio por IPv6 a un equipo IPv4. Dentro de una llamada, \z
            la sesión sigue como estaba.",
        fix = "Compara los dos SDP: códecs y sus números, RTP/AVP o SAVP, crypto o fingerprint, familia de \z
            direcciones. Añade un códec común, iguala el SRTP o transcodifica en un SBC o proxy de medios. Si se \z
            rechazó un re-INVITE, sigue con la sesión anterior.",
        use = "Envíalo cuando la descripción de sesión no le valga a este extremo pero pueda valerle a otro.",
    },
    [489] = {
        description = "El servidor no entiende el paquete de eventos de Event. Allow-Events enumera los que conoce. \z
            Repetir la petición es inútil.",
        when = "Un teléfono que se suscribe a message-summary, presence, dialog, reg o un evento de fabricante que \z
            el servidor no ofrece; o un NOTIFY que nadie pidió.",
        fix = "Desactiva la función en el teléfono (BLF, MWI, presencia, «as-feature-event») o habilita el paquete \z
            en el servidor. Si debería estar, comprueba que el SUBSCRIBE vaya al servidor adecuado.",
        use = "Envíalo, con Allow-Events, cuando no implementes ese paquete de eventos.",
    },
    [491] = {
        description = "Los dos lados cambiaron la llamada a la vez: el receptor tiene pendiente en este diálogo un \z
            INVITE o UPDATE propio. La petición está bien; el momento, no.",
        when = "Choque de re-INVITE: retención y recuperación, paso a T.38, renovación de sesión e ICE al mismo \z
            tiempo. A menudo con dos B2BUA que renegocian tras contestar.",
        fix = "El agente de usuario espera y repite: de 2,1 a 4 s si eligió él el Call-ID, de 0 a 2 s si no. Si se \z
            repite sin fin, deja que renueve o renegocie un solo lado (refresher=uac o uas) y retrasa los re-INVITE \z
            tras la respuesta.",
        use = "Envíalo ante un INVITE o UPDATE mientras tengas pendiente en el diálogo una oferta propia.",
    },
    [493] = {
        description = "El cuerpo va cifrado (S/MIME) y el receptor no tiene la clave o no la va a usar. La \z
            respuesta puede traer una clave pública con la que cifrar.",
        when = "Casi nunca: solo con cuerpos S/MIME de extremo a extremo, en entornos gubernamentales o de alta \z
            seguridad.",
        fix = "Toma el certificado del destinatario de la respuesta, compruébalo y cifra de nuevo; o envía el \z
            cuerpo en claro sobre TLS. Comprueba que los certificados no hayan caducado.",
        use = "Envíalo cuando un cuerpo esté cifrado para una clave que no puedes o no vas a usar.",
    },
    [494] = {
        description = "El servidor exige acordar los mecanismos de seguridad (sec-agree) antes de atender la \z
            petición. Security-Server enumera lo que ofrece: TLS, digest, IPsec.",
        when = "En IMS, durante el registro de teléfonos en el P-CSCF, y cuando la lista de Security-Verify no \z
            coincide con la que envió el servidor (señal de manipulación).",
        fix = "Elige en Security-Server el mejor mecanismo común, establécelo y repite con Security-Verify. Si \z
            vuelve una y otra vez, compara las listas de cliente y servidor y mira si algún equipo del camino \z
            altera las cabeceras.",
        use = "Envíalo, con Security-Server, cuando haya que hacer sec-agree o se haya alterado su lista.",
    },
    [500] = {
        description = "En el servidor ha ocurrido algo inesperado: un error de script, una base de datos caída, un \z
            recurso agotado. La culpa es suya. Con Retry-After espera estar bien para entonces.",
        when = "Desde proxies y centralitas con scripts de encaminamiento rotos, y en lugar de un 503 que recibió un \z
            proxy. También lo envía un agente de usuario, con un Retry-After de hasta 10 s, ante un INVITE que llega \z
            antes de haber contestado el anterior del mismo diálogo.",
        fix = "Lee el log de ese servidor a la hora de la llamada: script, base de datos, memoria, licencia. Si solo \z
            lo ves de un operador, mándale el Call-ID y la hora. Reintenta a los pocos segundos, o por otra ruta si \z
            tu política lo dice.",
        use = "Envíalo cuando te detenga un error interno y no encaje un 5xx más preciso.",
    },
    [501] = {
        description = "El servidor no conoce el método en absoluto y no puede atenderlo para nadie. Los proxies \z
            reenvían los métodos que no conocen, así que viene de un extremo.",
        when = "PUBLISH, MESSAGE, REFER o un método de fabricante enviados a un teléfono, gateway o troncal sencillo. \z
            También ante sondeos con OPTIONS: aun así, el otro lado está vivo.",
        fix = "Deja de enviar ahí ese método o usa una alternativa (transferencia hecha por la centralita en lugar \z
            de REFER). Comprueba que el nombre vaya en mayúsculas: los métodos distinguen mayúsculas y minúsculas.",
        use = "Envíalo cuando no conozcas el método; si lo conoces y no lo permites, 405.",
    },
    [502] = {
        description = "Un servidor que hacía de gateway o proxy recibió del siguiente una respuesta sin sentido. La \z
            petición del llamante estaba bien.",
        when = "Desde gateways cuyo lado RTC o TDM falló (causa RDSI 27, destino fuera de servicio) y desde proxies \z
            detrás de los cuales responde un servidor averiado.",
        fix = "Mira un salto más allá: el log y la traza del servidor que respondió 502, para ver qué recibió. Revisa \z
            el troncal, el enlace PRI o SS7 y los cambios recientes del otro lado. Mientras tanto, encamina por otro \z
            troncal.",
        use = "Envíalo como gateway o proxy cuando la respuesta del servidor siguiente no fuera válida.",
    },
    [503] = {
        description = "El servidor no puede atender ahora la petición: sobrecarga, mantenimiento, ningún troncal \z
            libre. Con Retry-After no se le debe enviar nada durante ese tiempo; sin él, actúa como un 500. Un proxy \z
            lo reenvía como 500, para que los llamantes no eviten al propio proxy.",
        when = "Desde servidores sobrecargados o que se están retirando del servicio, operadores en su límite de \z
            canales o de llamadas por segundo, gateways sin circuito o con la red averiada (causas RDSI 34, 38, 41, \z
            42), y generado en local cuando no se puede establecer una conexión.",
        fix = "Pasa al siguiente servidor (DNS SRV, dispatcher) y deja descansar a este lo que diga Retry-After. \z
            Luego busca la causa: llamadas por segundo, canales, licencia, CPU, certificado o puerto de la conexión \z
            TLS. No insistas: los reintentos agravan la sobrecarga.",
        use = "Envíalo cuando estés sobrecargado o a punto de parar, con Retry-After si sabes por cuánto tiempo.",
    },
    [504] = {
        description = "El servidor esperaba a otro (DNS, base de datos, la red del siguiente salto) y ese no \z
            respondió a tiempo. El servidor en sí está bien.",
        when = "Desde proxies cuya consulta (LDAP, HTTP, ENUM) venció, y desde gateways por la causa RDSI 102, \z
            expiración de temporizador.",
        fix = "Averigua a qué servicio externo esperaba y revisa su latencia y si es accesible. Acorta ese tiempo de \z
            espera y configura una alternativa, para que las llamadas no se queden esperando. Repetir puede servir si \z
            la causa fue un retraso pasajero.",
        use = "Envíalo cuando no respondiera un servidor externo que necesitabas; si quien no respondió fue el lado \z
            llamado de la petición SIP, 408.",
    },
    [505] = {
        description = "El servidor no admite la versión de SIP de la petición. Todo el mundo habla SIP/2.0.",
        when = "Con mensajes dañados o hechos a mano, herramientas de prueba y escáneres, o cuando llega al puerto \z
            algo que no es SIP.",
        fix = "Mira la primera línea de la petición tal como llegó: debe acabar en SIP/2.0. Revisa la herramienta o \z
            el analizador que la escribió; si es un escáner, bloquea el origen.",
        use = "Envíalo cuando la versión de la línea de petición no sea 2.0.",
    },
    [513] = {
        description = "El mensaje entero es más largo de lo que el servidor puede manejar. No se trata solo del \z
            cuerpo.",
        when = "Con listas largas de Via, Record-Route e History-Info, muchos candidatos ICE, cabeceras Identity \z
            grandes, o por UDP cerca de su límite.",
        fix = "Reduce el mensaje: menos códecs, quita las cabeceras privadas en la frontera, usa formas compactas. \z
            Usa TCP o TLS por encima de 1300 bytes. En tu propio servidor, sube el límite del mensaje.",
        use = "Envíalo cuando el problema sea la longitud del mensaje entero; si es el cuerpo, 413.",
    },
    [555] = {
        description = "La red no admite el servicio de notificaciones push que la aplicación pidió con pn-provider, \z
            así que no podría despertarla para las llamadas. Por eso se rechazó el registro.",
        when = "Solo ante REGISTER, de aplicaciones móviles con parámetros push en Contact (apns, fcm, webpush), \z
            cuando el proxy sabe que ningún otro proxy del camino admite ese servicio.",
        fix = "Configura el servicio push y sus claves en el proxy de push, o corrige pn-provider, pn-param y \z
            pn-prid en la aplicación. Si no, regístrala sin los parámetros push y mantén abierta la conexión.",
        use = "Envíalo ante un REGISTER cuyo pn-provider no admitas ni tú ni ningún proxy que tengas detrás.",
    },
    [580] = {
        description = "El llamado no puede o no quiere cumplir las precondiciones de la oferta, como la reserva de \z
            ancho de banda (QoS). El SDP de la respuesta dice cuál falló.",
        when = "En VoLTE e IMS, cuando la red de acceso o la red central no pudo reservar la portadora de la llamada; \z
            apenas fuera de ahí.",
        fix = "Ofrece sin precondiciones obligatorias o con fuerza opcional. En redes móviles, revisa el \z
            establecimiento de la portadora (PCRF, Rx/N5) y la cobertura. Hacia SIP corriente, haz que el elemento \z
            de frontera quite precondition.",
        use = "Envíalo ante un INVITE o UPDATE cuyas precondiciones obligatorias no puedas cumplir.",
    },
    [600] = {
        description = "Se llegó al usuario y está ocupado, y ningún otro dispositivo ni el buzón de voz aceptará la \z
            llamada. La bifurcación acaba: las demás ramas se cancelan.",
        when = "Desde teléfonos o centralitas que saben que responden por el usuario entero. Algunos equipos lo \z
            envían por error en lugar de 486 y hacen callar así a los demás teléfonos del usuario.",
        fix = "Llama más tarde; Retry-After puede indicar cuándo. Si tenía que contestar el buzón u otro teléfono, \z
            cambia a 486 el código de ocupado o rechazo del equipo, o traduce 600 a 486 donde tu red pueda hacerlo.",
        use = "Envíalo cuando sepas que el usuario está ocupado y que nada más contestará por él.",
    },
    [603] = {
        description = "Se llegó al usuario y no quiere la llamada, sin dar motivo. Tampoco contestará otro \z
            dispositivo: la búsqueda acaba. Retry-After puede indicar un momento mejor.",
        when = "Tras el botón de rechazar en teléfonos que quieren decir «en ningún sitio», desde servicios de \z
            bloqueo y desde operadores, para llamadas rechazadas.",
        fix = "No vuelvas a llamar de forma automática. Si los demás teléfonos del usuario deben seguir sonando \z
            cuando rechaza en uno, configura ese teléfono para responder 486. Si viene de un operador, lee la frase \z
            de motivo y Reason: puede indicar un bloqueo por análisis.",
        use = "Envíalo cuando el usuario rechace en firme y para todos sus dispositivos, sin decir por qué.",
    },
    [604] = {
        description = "El servidor sabe, con autoridad, que este usuario no existe en ninguna parte. La bifurcación \z
            acaba.",
        when = "Pocas veces: desde un servidor de portabilidad o de directorio que conoce todo el rango. La mayoría \z
            de las redes responde 404.",
        fix = "Revisa el número o la dirección y si llegó a asignarse. Si existe, la base de datos con autoridad \z
            está mal: corrige la entrada de portabilidad o de directorio. Probar otra ruta es inútil mientras esta \z
            respuesta siga en pie.",
        use = "Envíalo solo si tienes la autoridad y ningún otro servidor puede conocer al usuario.",
    },
    [606] = {
        description = "El usuario quiere comunicarse, pero la sesión ofrecida (medios, ancho de banda, direcciones) \z
            no vale para ninguno de sus dispositivos. Warning puede dar los motivos.",
        when = "Pocas veces: desde una centralita o un servidor de aplicaciones que responde por todos los \z
            dispositivos del usuario. Un teléfono suelto debería responder 488.",
        fix = "Repasa el SDP como con un 488: códecs, SRTP, familia de direcciones, y ofrece de nuevo lo que \z
            permitan Warning y el cuerpo. Si otro dispositivo podría aceptar, haz que el emisor use 488.",
        use = "Envíalo cuando la oferta no sea aceptable en ningún extremo del usuario.",
    },
    [607] = {
        description = "La persona llamada ha marcado la llamada como no deseada: el botón de spam. Acaba la búsqueda \z
            como todo 6xx y da al proveedor una señal sobre este llamante, que puede usar en sus filtros.",
        when = "Desde teléfonos y aplicaciones cuyo proveedor anuncia sip.607, en lugar de un simple rechazo. \z
            También puede aparecer como causa en el Reason de un BYE o un CANCEL.",
        fix = "El lado llamante debería dejar de llamar. Si las llamadas son legítimas, comprueba que vayan \z
            firmadas (STIR/SHAKEN) y con el número correcto, y trátalo con el proveedor del llamado: la \z
            señalización no puede deshacer la marca.",
        use = "Envíalo cuando la persona llamada diga que no quiere ninguna llamada de este origen.",
    },
    [608] = {
        description = "Una máquina de la red, normalmente un sistema de análisis de llamadas, rechazó la llamada \z
            antes de que llegara a la persona. Call-Info, si viene, da un contacto firmado (jCard) al que reclamar.",
        when = "En redes con filtros automáticos de spam, sobre todo en Norteamérica, para llamadas con mala \z
            reputación o sin atestación.",
        fix = "Usa el contacto de Call-Info para que levanten el bloqueo, da de alta tus números ante los \z
            proveedores de análisis y firma con atestación completa (A). Cambiar de número para esquivarlo empeora \z
            la reputación.",
        use = "Envíalo como servicio de bloqueo en la red, con un Call-Info que diga a quién reclamar.",
    },
}
