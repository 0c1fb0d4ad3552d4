-- SPDX-License-Identifier: BSD-2-Clause
-- Qué significa cada código de respuesta registrado, en español: descripción, cuándo lo verás, cómo solucionarlo y
-- cuándo debe elegirlo un servidor. Todos los catálogos tienen los mismos códigos y campos.
return {
    [100] = {
        description = "El siguiente salto tiene la petición y la está procesando. Detiene las retransmisiones de un \z
            INVITE por UDP y no significa nada más: quizá todavía no suene ningún teléfono. No crea ningún diálogo \z
            y nunca pasa de un salto.",
        when = "En los primeros 200 ms de casi cualquier INVITE; lo envía el proxy o la PBX contigua. Una traza con \z
            un 100 y nada más indica que ese vecino está vivo y que lo que hay detrás de él no responde.",
        fix = "No hay nada que arreglar. Si es lo único que ves, busca el INVITE que reenvió tu vecino y la \z
            consulta DNS, la base de datos o el temporizador que lo retiene. Si falta hasta el 100, se perdió la \z
            petición o su respuesta: revisa direcciones, NAT y cortafuegos.",
        use = "Envíalo de inmediato cuando la respuesta final a un INVITE vaya a tardar más de 200 ms.",
    },
    [180] = {
        description = "El teléfono llamado está avisando a su usuario. El tag de To crea un diálogo temprano, y el \z
            llamante genera él mismo el tono de llamada si no le llega audio. Alert-Info puede indicar qué tono \z
            reproducir.",
        when = "Después del 100 y antes de que contesten, en una llamada corriente. Una llamada bifurcada da un 180 \z
            por cada teléfono que suena, cada uno con su propio tag en To.",
        fix = "No hay nada que arreglar. Si el llamante oye silencio, busca un 183 con SDP anterior: muchos \z
            teléfonos esperan entonces audio temprano y no generan tono. Si suena hasta que la llamada falla, mira \z
            qué temporizador o qué regla de «no contesta» la termina y si hay un buzón de voz configurado.",
        use = "Envíalo cuando se esté avisando al usuario y deba ser el llamante quien genere el tono.",
    },
    [181] = {
        description = "Un servidor del camino está enviando la llamada a un destino distinto del marcado. Es solo \z
            información: la respuesta llegará después, del nuevo destino. History-Info o Diversion indican por \z
            dónde ha pasado la llamada.",
        when = "Lo envía una PBX o un servidor de aplicaciones con desvío de llamadas, normalmente entre el 100 y \z
            el 180 del nuevo destino.",
        fix = "No hay nada que arreglar. Si el desvío no se quería, revisa los desvíos del usuario llamado; si la \z
            llamada se pierde después, revisa el tramo hacia el nuevo destino y comprueba si hay un bucle de \z
            desvíos (482, 483).",
        use = "Envíalo cuando se esté desviando la llamada y convenga que el llamante lo sepa antes de que suene en \z
            otro sitio.",
    },
    [182] = {
        description = "El lado llamado no está libre y ha puesto la llamada en cola en vez de rechazarla. La frase \z
            de motivo puede indicar el puesto en la cola, y los 182 siguientes pueden actualizarlo. La respuesta \z
            final llega cuando alguien queda libre.",
        when = "Lo envían centros de atención de llamadas y puestos de operadora. Muchos teléfonos lo muestran como \z
            si la llamada sonara, o lo ignoran.",
        fix = "No hay nada que arreglar. Repite el 182 cada minuto y comprueba que reinicie el temporizador C (más \z
            de 3 minutos) de cada proxy, para que no se corten las esperas largas. Para dar música, contesta la \z
            llamada o usa 183 con SDP.",
        use = "Envíalo cuando la llamada espere a un agente libre y el llamante deba saber que está en una cola.",
    },
    [183] = {
        description = "La llamada avanza de un modo que ningún otro 1xx describe. Lo típico es que lleve SDP para \z
            audio temprano, con el que el llamante oye los tonos o anuncios de la otra red. Crea un diálogo \z
            temprano, como el 180.",
        when = "Lo envían gateways y operadores, con el tono de llamada o el anuncio de «número fuera de servicio» \z
            que suena antes de que la llamada se conteste o falle.",
        fix = "En sí no hay nada que arreglar. Si tras el 183 no se oye nada, comprueba que el RTP llegue al \z
            llamante antes del 200 (NAT, latching del SBC), que la dirección del SDP sea correcta y que 100rel \z
            (PRACK) funcione si Require lo exige. Si el tono sale doble o falta, quédate con el 180 o con el 183 \z
            con SDP, no con ambos.",
        use = "Envíalo cuando deba llegar al llamante audio temprano u otro progreso de la llamada que un simple \z
            180 no exprese.",
    },
    [199] = {
        description = "Ha terminado un diálogo temprano de una llamada bifurcada, aunque la llamada en conjunto \z
            sigue. Reason indica el código que lo terminó. El llamante puede liberar ya los recursos de esa rama, \z
            sin esperar a la respuesta final.",
        when = "Solo si el INVITE traía Supported: 199 y no exigía 100rel. Lo envía el proxy que bifurca cuando una \z
            rama falla y otras siguen sonando; rara vez el propio teléfono.",
        fix = "No hay nada que arreglar: da por terminado ese diálogo temprano, corta su audio, no le envíes nada \z
            más y sigue esperando. Si confunde al equipo del llamante, quita 199 de su Supported.",
        use = "Envíalo cuando haya fallado una rama de una llamada bifurcada, otras sigan y el INVITE llevara \z
            Supported: 199.",
    },
    [200] = {
        description = "La petición ha tenido éxito. El resultado depende del método: una llamada contestada con su \z
            SDP, un registro con su Contact y su caducidad, una suscripción o una lista de capacidades. El llamante \z
            confirma el 200 de un INVITE con un ACK propio, y el llamado repite el 200 hasta que ese ACK llega.",
        when = "Al final de toda transacción que sale bien. Varios 200 a un mismo INVITE con el mismo tag en To son \z
            retransmisiones: el ACK no está llegando.",
        fix = "No hay nada que arreglar, salvo que se repita o la llamada se corte a los 32 s: entonces se pierde \z
            el ACK. Revisa Contact y Record-Route del 200 (dirección privada, puerto o transporte equivocado) y el \z
            camino que toma el ACK. Un segundo 200 con otro tag en To es otro teléfono que contestó: envíale ACK y \z
            luego BYE.",
        use = "Envíalo cuando la petición se haya cumplido.",
    },
    [202] = {
        description = "Una forma antigua de decir que un SUBSCRIBE o un REFER se ha aceptado para tramitarlo. Para \z
            ambos está en desuso: quien lo recibe lo trata como 200, y un equipo nuevo envía 200. El NOTIFY que \z
            viene después dice si la suscripción se concedió. Ante un MESSAGE significa «guardado o reenviado, aún \z
            no entregado» (RFC 3428).",
        when = "Lo envían teléfonos y PBX antiguos ante REFER (transferencias) y SUBSCRIBE. Ante MESSAGE, lo envían \z
            servidores que guardan el mensaje hasta que aparezca el destinatario y gateways hacia otras redes.",
        fix = "Léelo exactamente como un 200 y espera el NOTIFY. Si es tu servidor quien lo envía ante SUBSCRIBE o \z
            REFER, cámbialo por 200. Si necesitas saber si un MESSAGE se entregó, pide una notificación (IMDN, RFC \z
            5438).",
        use = "Envíalo solo ante un MESSAGE que guardes o pases a otra red. A SUBSCRIBE y REFER responde con 200, \z
            diga lo que diga después el NOTIFY.",
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
        use = "Envíalo ante una renovación cuyo Suppress-If-Match coincida, de modo que no haga falta ningún NOTIFY.",
    },
    [300] = {
        description = "La dirección corresponde a varios sitios, que vienen como Contact, y el llamante debe \z
            elegir. Los valores q dan el orden que prefiere el servidor. Todavía no se ha establecido ninguna \z
            llamada.",
        when = "Lo envían servidores de redirección, de portabilidad y de rutas por coste (LCR), que devuelven los \z
            troncales en el orden en que hay que probarlos.",
        fix = "Haz que tu proxy o SBC siga los Contact según q, o deja elegir al usuario. Si la llamada se queda \z
            ahí, el proxy tiene desactivado el seguimiento de redirecciones o los Contact no se resuelven. Sigue \z
            solo redirecciones de servidores de confianza: un 300 ajeno puede llevar a números de tarificación \z
            especial.",
        use = "Envíalo cuando sirvan varios destinos y el servidor no vaya a encaminar él mismo la petición.",
    },
    [301] = {
        description = "El usuario ya no está en esta dirección; Contact trae la nueva, que es definitiva. El \z
            llamante debe usarla desde ahora y corregir su agenda.",
        when = "Tras un cambio de numeración o de dominio; lo envía un servidor de redirección. Se ve poco, porque \z
            casi todos los operadores prefieren desviar en el servidor.",
        fix = "Llama al Contact y corrige la dirección guardada, el plan de marcación o la ruta. Si apunta al sitio \z
            de donde venía la llamada, los datos de redirección están mal.",
        use = "Envíalo cuando una dirección se haya sustituido de forma permanente y convenga recordar la nueva.",
    },
    [302] = {
        description = "Para esta llamada hay que probar el Contact. Solo se puede recordar durante el tiempo que \z
            indique Expires (la cabecera o el parámetro del Contact); sin él, vale para una sola vez.",
        when = "Lo envían teléfonos con el desvío activado (siempre, si está ocupado, si no contesta) y servidores \z
            de redirección o de rutas que devuelven el troncal que hay que usar.",
        fix = "Haz que el proxy o la PBX siga el Contact, como un destino más de la misma llamada. Si el desvío \z
            falla, comprueba que tu proxy llega al dominio del Contact y que el tramo desviado se puede cobrar a \z
            quien desvía. Limita el número de redirecciones para cortar bucles.",
        use = "Envíalo cuando esta llamada deba ir a otro sitio y la dirección en sí siga siendo válida.",
    },
    [305] = {
        description = "Al usuario solo se llega por el proxy que indica Contact, y esta petición, solo esta, debe \z
            enviarse a través de él. Únicamente puede enviar un 305 el agente de usuario que recibe la petición, no \z
            un proxy.",
        when = "Prácticamente nunca: casi ningún cliente lo admite, y enviar sin más la petición a un proxy que \z
            elige el otro lado es un riesgo de seguridad.",
        fix = "Si confías en ese proxy, ponlo a mano en el encaminamiento del llamante (outbound proxy o Route). En \z
            el lado llamado, desactiva la función y encamina por el proxy mediante DNS o el plan de marcación.",
        use = "Evítalo; publica el proxy en DNS (SRV) o usa Path y Route.",
    },
    [380] = {
        description = "La llamada ha fallado, pero otro servicio podría atender al llamante, y el cuerpo lo \z
            describe. El RFC 3261 no define el formato de ese cuerpo; las redes móviles tienen el suyo (3GPP).",
        when = "En IMS y VoLTE: el P-CSCF responde 380 a una llamada de emergencia que hay que hacer de otra \z
            manera, por ejemplo por la red de circuitos.",
        fix = "Lee el cuerpo y haz lo que dice: un teléfono IMS establece la llamada de emergencia como se le \z
            indica. En otro entorno, trátalo como un 3xx sin Contact utilizable: la llamada ha fallado. Averigua \z
            por qué el servidor consideró que el número era de emergencia o de un servicio especial.",
        use = "Envíalo solo si ambos lados conocen el formato del cuerpo que describe la alternativa.",
    },
    [400] = {
        description = "El servidor no pudo entender la petición: falta una cabecera, está mal formada o contradice \z
            a otra. La frase de motivo debería indicar el error. Un receptor también trata como 400 cualquier 4xx \z
            que no conozca.",
        when = "Lo envían servidores y SBC que analizan los mensajes con rigor, tras un cambio de software o cuando \z
            un script o un router con SIP ALG ha estropeado el mensaje. También es la respuesta a un REGISTER con \z
            reg-id y varios Contact.",
        fix = "Lee la frase de motivo y el Warning, si lo hay, y mira la petición tal como llegó, no como salió: un \z
            ALG o una regla de reescritura puede haberla cambiado. Revisa Via, CSeq, Content-Length y las comillas \z
            de las URI. Desactiva el SIP ALG.",
        use = "Envíalo ante una sintaxis errónea cuando no haya código más preciso, y di en la frase de motivo qué \z
            está mal.",
    },
    [401] = {
        description = "El agente de usuario que recibe la petición, o el registrar, quiere saber quién la envía. \z
            WWW-Authenticate trae el reto: realm, nonce, algoritmo. El cliente repite la petición con \z
            Authorization, el mismo Call-ID y un CSeq mayor en uno.",
        when = "Como primera respuesta normal a un REGISTER; después viene el 200. Las PBX también lo usan para \z
            autenticar un INVITE.",
        fix = "Un 401 y luego un 200 es lo normal. Un 401 tras otro: usuario, contraseña o realm erróneos, o un \z
            nonce caducado (stale=true: el cliente solo tiene que repetir). Comprueba que el usuario de \z
            autenticación sea el de la cuenta, que los relojes de un clúster coincidan si sus nonces contienen la \z
            hora y que ningún proxy quite Authorization.",
        use = "Envíalo como registrar, B2BUA o agente de usuario para pedir credenciales; un proxy envía 407.",
    },
    [402] = {
        description = "Reservado: ningún RFC dice qué significa, y un cliente lo trata como 400. En la práctica \z
            quiere decir que no hay saldo o que la cuenta está suspendida.",
        when = "Lo envían plataformas de prepago y operadores mayoristas cuando el saldo no alcanza para el primer \z
            intervalo. Otros responden 403 en ese caso.",
        fix = "Revisa el saldo, el límite de crédito y el estado de la cuenta en ese operador, y luego el precio \z
            del destino. Repetir la llamada no sirve hasta que la cuenta esté en orden; mientras tanto, encamina \z
            por otro operador.",
        use = "Envíalo solo si ambos lados lo han acordado; un 403 con una frase de motivo clara lo entiende todo el \z
            mundo.",
    },
    [403] = {
        description = "El servidor ha entendido la petición y la rechaza; unas credenciales no cambiarían nada. Se \z
            usa para destinos restringidos, orígenes no permitidos y comprobaciones fallidas, como un token de \z
            flujo falsificado o un PASSporT con fecha caducada.",
        when = "Lo envían operadores (número de origen que no es tuyo, destino restringido, dirección IP no \z
            autorizada), registrars tras una contraseña errónea o con la cuenta bloqueada y PBX con permisos de \z
            llamada.",
        fix = "Lee la frase de motivo. Compara la dirección IP de origen, From y P-Asserted-Identity con lo que el \z
            otro lado tiene dado de alta, y revisa los permisos para el destino. No repitas la petición tal cual: \z
            los reintentos automáticos pueden acabar en bloqueo.",
        use = "Envíalo cuando la petición sea válida, la política la prohíba y autenticarse no sirva.",
    },
    [404] = {
        description = "El servidor sabe con certeza que ese usuario no existe en el dominio, o que el dominio no es \z
            suyo. Si es un número: no está asignado o no hay ruta hacia él.",
        when = "Por un número mal marcado o portado, una extensión que no se llegó a crear, un dominio equivocado \z
            tras la @ o un operador sin ruta. Un registrar lo envía para una AOR desconocida; si el usuario existe \z
            pero está desconectado, corresponde un 480.",
        fix = "Mira la Request-URI tal como llegó al servidor que respondió 404: formato del número (+, prefijo, \z
            código de país), dominio y puerto. Después comprueba si el usuario o la ruta existen y si el servidor \z
            considera suyo ese dominio. Dentro de una llamada, lo que está mal es el Contact remoto.",
        use = "Envíalo cuando sea seguro que el usuario no existe en este dominio.",
    },
    [405] = {
        description = "El servidor conoce el método, pero no lo permite para esta dirección. Allow enumera los \z
            permitidos.",
        when = "SUBSCRIBE, PUBLISH, REFER o MESSAGE enviados a un troncal o teléfono que no los ofrece, o REGISTER \z
            enviado a un servidor que no es un registrar. También llega como respuesta a los sondeos con OPTIONS, y \z
            aun así demuestra que el otro lado está vivo.",
        fix = "Compara el método con Allow y prescinde de él (nada de transferir con REFER, por ejemplo) o envíalo \z
            al servidor adecuado. Si es REGISTER, revisa la dirección del registrar; en tu propio servidor, \z
            habilita el método para esa dirección.",
        use = "Envíalo, con Allow, cuando conozcas el método y no lo permitas para esta dirección.",
    },
    [406] = {
        description = "Cualquier cuerpo con el que el servidor podría responder es de un tipo que el Accept de la \z
            petición excluye. Trata del cuerpo de la respuesta, no del SDP ofrecido.",
        when = "Pocas veces: con SUBSCRIBE, cuando ningún valor de Accept sirve para el cuerpo del paquete de \z
            eventos, o con OPTIONS. Algunos equipos lo usan mal para códecs que no coinciden, cuando lo que \z
            corresponde es un 488.",
        fix = "Añade a Accept el tipo que falta (application/pidf+xml para presencia, application/sdp para \z
            llamadas) o quita Accept. Si llegó ante un INVITE, compara los códecs como harías con un 488.",
        use = "Envíalo cuando el Accept de la petición excluya todos los cuerpos que podrías devolver.",
    },
    [407] = {
        description = "Un proxy del camino quiere credenciales antes de reenviar la petición. El reto viene en \z
            Proxy-Authenticate; el cliente repite la petición con Proxy-Authorization, el mismo Call-ID y un CSeq \z
            mayor en uno.",
        when = "Como primera respuesta a un INVITE a través del proxy de un proveedor, y a cada petición nueva \z
            fuera de un diálogo. Si hay varios proxies, cada uno puede pedir las suyas.",
        fix = "Un 407 y luego el éxito es lo normal. Si se repite: credenciales o realm erróneos, un nonce caducado \z
            o un cliente que rellena Authorization en lugar de Proxy-Authorization. En troncales, comprueba si el \z
            proveedor quiere registro, IP fija o digest. Para ACK y CANCEL no se pueden pedir credenciales.",
        use = "Envíalo como proxy, para que el llamante se autentique antes de encaminar la petición.",
    },
    [408] = {
        description = "No llegó respuesta a tiempo. Lo normal es que no lo haya generado ningún servidor: venció el \z
            temporizador del propio cliente (B, F o C, 32 s o más), y eso actúa como un 408. No dice nada sobre si \z
            el otro lado existe.",
        when = "Cuando se pierden o descartan paquetes: equipo caído, cortafuegos, puerto equivocado, asociación de \z
            NAT caducada, respuesta enviada a una dirección errónea. También lo envía un proxy que deja de esperar \z
            a un teléfono que ha sonado demasiado tiempo, y un gateway por la causa RDSI 18.",
        fix = "Sigue la petición salto a salto hasta el último que la muestre. Revisa DNS, rutas, cortafuegos y \z
            keep-alives de NAT y, por UDP, los mensajes mayores que la MTU que llegan en fragmentos. Se puede \z
            repetir; con el RFC 5626 se puede probar otro flujo del mismo teléfono.",
        use = "Envíalo ante un INVITE cuando no se haya obtenido respuesta a tiempo; nunca ante otra petición (RFC \z
            4320).",
    },
    [410] = {
        description = "La dirección existió y ha desaparecido para siempre, sin que se conozca otra a la que \z
            desviar. El llamante debería borrarla.",
        when = "Lo envían operadores para números dados de baja o devueltos; también se ve tras cerrarse una cuenta.",
        fix = "Averigua el número nuevo y quita el antiguo de planes de marcación, agendas y rutas. Si el número \z
            debería funcionar, mira si se portó o se dio de baja. No vuelvas a llamar de forma automática.",
        use = "Envíalo cuando sepas que la dirección ha desaparecido para siempre; si no lo sabes, envía 404.",
    },
    [412] = {
        description = "El PUBLISH indicaba en SIP-If-Match una etiqueta de entidad que el servidor no tiene: el \z
            estado publicado caducó o lo guarda otro servidor. La misma petición no se debe repetir.",
        when = "En renovaciones de presencia que llegan tarde, tras reiniciar el servidor de presencia o cuando un \z
            clúster no comparte su estado.",
        fix = "Descarta la etiqueta de entidad y haz un PUBLISH completo, sin SIP-If-Match. Si ocurre a menudo, \z
            renueva antes de Expires y guarda el estado de presencia en un almacenamiento compartido o persistente.",
        use = "Envíalo ante un PUBLISH cuyo SIP-If-Match no coincida con nada de lo que guardas.",
    },
    [413] = {
        description = "El cuerpo es más grande de lo que el servidor acepta. Con Retry-After es algo temporal; sin \z
            él, permanente.",
        when = "Con SDP largos (muchos códecs, candidatos ICE, vídeo), MESSAGE con mucho texto o documentos de \z
            presencia. El servidor puede cerrar después la conexión TCP.",
        fix = "Reduce el cuerpo: menos códecs y candidatos, un enlace externo en lugar del contenido, MSRP para \z
            mensajes largos. En tu propio servidor, sube el límite del cuerpo. Si trae Retry-After, espera ese \z
            tiempo.",
        use = "Envíalo cuando el problema sea el cuerpo; 513 es para el mensaje entero.",
    },
    [414] = {
        description = "La Request-URI es más larga de lo que el servidor está dispuesto a leer. El resto de la \z
            petición no se ha examinado.",
        when = "Casi nunca, salvo con URI que llevan muchos datos (cabeceras incrustadas, parámetros largos, \z
            tokens) o que crecen en cada salto de un bucle.",
        fix = "Acorta la Request-URI: pasa datos a cabeceras y quita parámetros innecesarios. Si crece de un salto \z
            a otro, busca la regla de reescritura que le añade algo.",
        use = "Envíalo cuando la Request-URI por sí sola supere tu límite.",
    },
    [415] = {
        description = "El tipo, la codificación o el idioma del cuerpo no se admiten para este método. Accept, \z
            Accept-Encoding o Accept-Language enumeran lo que se admite.",
        when = "Un INVITE con un cuerpo que no es SDP (multipart con localización o ISUP, por ejemplo), un cuerpo \z
            comprimido, un MESSAGE en HTML o un INFO con DTMF en un tipo que el otro lado no acepta.",
        fix = "Repite la petición con un cuerpo de un tipo de Accept. Para DTMF por INFO, acuerda \z
            application/dtmf-relay o usa eventos del RFC 4733. Con multipart, haz que el SBC quite las partes que \z
            el operador no entiende.",
        use = "Envíalo, con el Accept que corresponda, cuando el problema sea el formato del cuerpo.",
    },
    [416] = {
        description = "El servidor no conoce el esquema de la Request-URI: tel:, urn:, im: o similar.",
        when = "Con URI tel: enviadas a un servidor que solo encamina sip:, o con urn:service:sos en un servidor \z
            sin encaminamiento de emergencias. Dentro de un diálogo significa que el Contact remoto es inservible.",
        fix = "Envía una URI sip: (sip:+34910000000@proveedor;user=phone en lugar de tel:). En tu propio servidor, \z
            traduce tel: a sip: antes de encaminar y atiende urn:service:sos.",
        use = "Envíalo cuando no puedas procesar el esquema de la Request-URI.",
    },
    [417] = {
        description = "Aquí no se conoce ninguno de los valores de Resource-Priority, y el llamante exigía que se \z
            aplicaran (Require: resource-priority). Accept-Resource-Priority puede enumerar los conocidos.",
        when = "En redes gubernamentales, militares y de emergencias (espacios de nombres ets, wps, dsn, esnet), \z
            cuando la llamada pasa a una red que no conoce ese espacio de nombres.",
        fix = "Elige en Accept-Resource-Priority un valor al que el llamante tenga derecho, o quita el Require para \z
            que se ignoren los valores desconocidos. Traduce los espacios de nombres donde se unen las redes.",
        use = "Envíalo cuando la petición lleve Require: resource-priority y no conozcas ninguno de sus espacios de \z
            nombres o valores.",
    },
    [420] = {
        description = "La petición exige, en Require o Proxy-Require, una extensión que el servidor no admite. \z
            Unsupported indica cuál.",
        when = "Un equipo con Require: 100rel, timer, replaces o precondition llama a otro que no lo admite. El \z
            caso clásico son los equipos VoLTE frente a SIP corriente.",
        fix = "Repite la petición sin las extensiones de Unsupported y ofrécelas solo en Supported. En teléfonos y \z
            PBX, pasa 100rel y los temporizadores de sesión de «obligatorio» a «admitido».",
        use = "Envíalo, con Unsupported, cuando Require o Proxy-Require exija una extensión que no admites.",
    },
    [421] = {
        description = "El servidor no puede atender la petición sin una extensión que el cliente no anuncia. \z
            Require indica cuál.",
        when = "Rara vez: lo envían servidores que exigen 100rel, timer, sec-agree o path. La mayoría debería \z
            seguir adelante sin la extensión.",
        fix = "Activa esa extensión en el cliente (Supported) si la tiene; si no, rebaja la exigencia del servidor. \z
            Con sec-agree la respuesta trae además Security-Server.",
        use = "Envíalo, con Require, solo cuando sin la extensión no sea posible ningún servicio útil.",
    },
    [422] = {
        description = "El Session-Expires de la petición es menor de lo que acepta un proxy o el llamado. Min-SE \z
            indica el mínimo que se acepta; nunca baja de 90 s.",
        when = "Al establecer o renovar una llamada, entre equipos con temporizadores de sesión distintos.",
        fix = "El cliente repite el INVITE o UPDATE con Session-Expires y Min-SE iguales o mayores que el valor \z
            dado (el mayor Min-SE recibido), y la llamada sigue. Si no lo hace, sube el temporizador de sesión en \z
            su configuración; 1800 s es lo habitual.",
        use = "Envíalo, con Min-SE, cuando el intervalo de sesión sea demasiado corto y el cliente admita timer.",
    },
    [423] = {
        description = "La duración pedida es demasiado corta para este servidor. Min-Expires indica la mínima que \z
            concede.",
        when = "Ante REGISTER de clientes que piden 30 o 60 s para mantener abierto el NAT; también ante SUBSCRIBE \z
            y PUBLISH. Un Expires: 0 nunca se rechaza con este código.",
        fix = "El cliente repite de inmediato con Min-Expires como mínimo. Para mantener abierto el NAT usa \z
            keep-alives con CRLF, STUN u OPTIONS, no registros cortos. Si el mínimo del registrar es demasiado alto \z
            para tu red, bájalo.",
        use = "Envíalo, con Min-Expires, ante un REGISTER, SUBSCRIBE o PUBLISH con una duración inferior a tu \z
            mínimo.",
    },
    [424] = {
        description = "La localización de la petición está mal formada, no sirve para lo que se necesita o no se \z
            pudo obtener. Geolocation-Error dice qué falla, y la respuesta puede traer incluso la localización que \z
            hay que usar.",
        when = "En llamadas de emergencia y redes de empresa con servidores de localización, ante peticiones con la \z
            cabecera Geolocation; nunca ante peticiones sin ella. No termina una llamada en curso.",
        fix = "Corrige la localización según Geolocation-Error: renueva la referencia, envía el PIDF-LO en el \z
            cuerpo o adopta la localización de la respuesta. Reintenta pocas veces (se aconsejan tres como máximo), \z
            para que un receptor no obtenga localizaciones cada vez más precisas.",
        use = "Envíalo, con Geolocation-Error, cuando necesites una localización y la de la petición no sirva.",
    },
    [425] = {
        description = "La alerta de la petición (un documento CAP, como los que envían alarmas y sensores) está tan \z
            mal formada que no permite ninguna actuación de emergencia razonable. AlertMsg-Error dice qué falla.",
        when = "Entre dispositivos de alerta y servicios de emergencias que usan el RFC 8876. Nunca ante una \z
            petición sin alerta, y rara vez si algo de ella se puede aprovechar.",
        fix = "Corrige el documento CAP según AlertMsg-Error y envíalo de nuevo: valídalo con el esquema y revisa \z
            el identificador del emisor y las fechas. Un diálogo existente sigue.",
        use = "Envíalo, con AlertMsg-Error, solo cuando la petición no contenga nada que permita actuar.",
    },
    [428] = {
        description = "La red llamada solo acepta peticiones firmadas, y esta no lleva ninguna cabecera Identity \z
            que le sirva. El motivo es su política: la petición en sí está bien formada.",
        when = "En redes STIR/SHAKEN, cuando una llamada llega sin PASSporT o solo con tipos (ppt) que el \z
            verificador no admite.",
        fix = "Firma la llamada donde entra en tu red (servicio de autenticación, SBC) y comprueba que ningún \z
            equipo del camino quite Identity. Por TDM o por un operador sin STIR la firma se pierde: usa otra ruta.",
        use = "Envíalo como servicio de verificación si tu política exige una firma y la petición no lleva ninguna \z
            que admitas.",
    },
    [429] = {
        description = "El destino de la transferencia (o el transferido) quiere una prueba de quién ha transferido \z
            la llamada: un token Referred-By firmado. El de la petición falta, ha caducado o no es válido.",
        when = "En llamadas que siguen a un REFER, si el destino comprueba tokens Referred-By. Quien transfiere lo \z
            ve en el NOTIFY como «SIP/2.0 429» o como respuesta a su propio REFER. Es raro en la práctica.",
        fix = "Quien transfiere envía otro REFER con un token Referred-By (cuerpo firmado). Si tu equipo no sabe \z
            hacerlo, quita la exigencia en el destino o transfiere mediante B2BUA o Replaces.",
        use = "Envíalo como destino o como transferido cuando no aceptes una transferencia sin token válido.",
    },
    [430] = {
        description = "El proxy de borde ha perdido el flujo (la conexión TCP o el camino UDP) hacia un contacto \z
            registrado del agente de usuario. Se refiere solo a ese flujo: quizá se llegue al mismo teléfono por \z
            otro. Es un mensaje entre proxies y nunca debe llegar a un llamante.",
        when = "Solo entre el proxy de borde y el proxy del registrar, con registros outbound (RFC 5626), después \z
            de que se reinicie el teléfono o el NAT, se rompa una conexión o se reinicie el proxy de borde.",
        fix = "El proxy autoritativo borra ese registro y prueba otro flujo del mismo instance-id (otro reg-id); si \z
            no queda ninguno, el llamante recibe 480. El teléfono lo nota por sus keep-alives y se registra de \z
            nuevo. Si es frecuente, revisa los intervalos de keep-alive (Flow-Timer), los tiempos de espera del NAT \z
            y que los teléfonos se registren por dos proxies de borde. Si un llamante ve alguna vez un 430, el \z
            fallo está en el proxy.",
        use = "Envíalo como proxy de borde, de inmediato, cuando haya desaparecido el flujo que identifica un token \z
            válido.",
    },
    [433] = {
        description = "El lado llamado no acepta llamadas anónimas. El código indica ese motivo para que el \z
            llamante pueda decidir si vuelve a llamar mostrando su identidad.",
        when = "Cuando el llamado tiene activado el rechazo de llamadas anónimas y el llamante ocultó su número \z
            (Privacy: id, o From anónimo). Muchas redes responden en su lugar 403 o 603, o reproducen un anuncio.",
        fix = "El llamante puede volver a llamar sin ocultar el número, por decisión propia: un servidor nunca debe \z
            revelar su identidad por su cuenta. Si no quería ser anónimo, busca el ajuste del troncal o de la PBX \z
            que envía Privacy o un From anónimo.",
        use = "Envíalo cuando el anonimato sea el único motivo del rechazo.",
    },
    [436] = {
        description = "El servicio de verificación no pudo obtener las credenciales: falló la URI del parámetro \z
            info de todas las cabeceras Identity. La firma en sí no se ha comprobado.",
        when = "En STIR/SHAKEN, cuando la URL del certificado (x5u, info) no es accesible: servidor caído, fallo de \z
            TLS o DNS, bloqueo de un cortafuegos o una URL a la que solo se llega desde dentro.",
        fix = "Descarga esa URL desde fuera de tu red. Publica el certificado en una dirección HTTPS pública, \z
            mantén en marcha ese servidor y al día su certificado TLS, y luego firma y envía otra vez. En el lado \z
            que verifica, revisa la salida HTTPS.",
        use = "Envíalo como servicio de verificación que no puede obtener las credenciales de ninguna cabecera \z
            Identity.",
    },
    [437] = {
        description = "El servicio de verificación tiene las credenciales, pero no las acepta: una autoridad de \z
            certificación en la que no confía, un certificado caducado o inadecuado, un algoritmo que no admite.",
        when = "En STIR/SHAKEN, con certificados de una autoridad ajena a la lista del país o del grupo de \z
            confianza, o con certificados de prueba usados en producción.",
        fix = "Firma con un certificado en el que la otra red confíe (en SHAKEN, de una autoridad aprobada), revisa \z
            su periodo de validez y su TNAuthList, y envía otra vez. En el lado que verifica, actualiza la lista de \z
            autoridades de confianza.",
        use = "Envíalo como servicio de verificación que tiene la credencial y no la admite o no confía en ella.",
    },
    [438] = {
        description = "Ninguna cabecera Identity contiene un PASSporT que se pueda verificar: la firma no \z
            corresponde a lo que la petición dice ahora. Puede ser una falsificación, o algún equipo del camino ha \z
            cambiado lo firmado.",
        when = "En STIR/SHAKEN, cuando un SBC o un operador de tránsito cambió From, To o Date tras la firma, o se \z
            desvió la llamada sin un PASSporT div.",
        fix = "Compara orig, dest e iat del PASSporT con From (o P-Asserted-Identity), To y Date tal como llegaron. \z
            Si se usó la forma compacta, firma con la completa y prueba una vez más. Firma como último paso antes \z
            de la frontera y no reescribas números después.",
        use = "Envíalo como servicio de verificación si tu política rechaza las peticiones con firmas no válidas.",
    },
    [439] = {
        description = "El registrar admite outbound (RFC 5626), pero el primer proxy por el que pasó el teléfono \z
            no: no añadió un Path con ob. No funcionarían varios flujos por teléfono.",
        when = "Solo ante REGISTER con reg-id y Supported: outbound. Lo típico es que un SBC o proxy delante del \z
            registrar no añada Path, o que se perdiera el parámetro ob del proxy de borde.",
        fix = "En el proxy de borde, activa outbound (Path con token de flujo y ob). En el teléfono, desactiva \z
            outbound o usa otro primer salto. Comprueba que cada proxy conserve Path y que el registrar vea ob en \z
            la URI del primer salto.",
        use = "Envíalo como registrar, solo ante un REGISTER con reg-id y Supported: outbound cuyo primer salto no \z
            admita outbound.",
    },
    [440] = {
        description = "El proxy tendría que bifurcar la petición en más ramas paralelas de las que permite \z
            Max-Breadth. La petición no llegó a todos los destinos posibles.",
        when = "Con grupos de llamada (hunt groups) grandes que se bifurcan en otros, o con desvíos que multiplican \z
            las llamadas, que es lo que Max-Breadth debe impedir.",
        fix = "Haz sonar menos destinos a la vez (en serie en vez de en paralelo), deshaz los grupos que se \z
            contienen unos a otros o sube el Max-Breadth inicial (lo normal es 60). Repetir la misma petición no \z
            cambia nada.",
        use = "Envíalo como proxy cuando Max-Breadth no alcance para las ramas paralelas y no vayas a bifurcar en \z
            serie ni a redirigir.",
    },
    [469] = {
        description = "El INFO pertenece a un Info Package que el receptor no se ofreció a recibir. Recv-Info \z
            enumera los que acepta. Solo falla ese INFO: la llamada sigue.",
        when = "En llamadas donde un lado envía INFO con un Info-Package (de DTMF o señalización) que el otro no \z
            anunció, o ya no anuncia, en Recv-Info.",
        fix = "Envía solo paquetes del Recv-Info del otro lado o usa otro medio (RFC 4733 para DTMF). No termines \z
            la llamada por esto. En el lado receptor, anuncia el paquete en Recv-Info si lo admites.",
        use = "Envíalo, con Recv-Info, ante un INFO cuyo paquete no anunciaste.",
    },
    [470] = {
        description = "La petición lleva una lista de destinatarios, y para al menos uno de ellos el servidor que \z
            reenvía no tiene consentimiento. Permission-Missing enumera las URI.",
        when = "Lo envían servidores que distribuyen mensajes o invitaciones a una lista (servicios de los RFC 5365 \z
            y 5366) con el marco de consentimiento. Es poco común.",
        fix = "Consigue el consentimiento de los destinatarios (el servidor se lo pide al añadirlos a su lista, por \z
            XCAP por ejemplo) o quita de la lista esas URI y envía de nuevo.",
        use = "Envíalo como servidor de listas, con Permission-Missing, cuando un destinatario no haya dado su \z
            consentimiento.",
    },
    [480] = {
        description = "El servidor conoce al usuario, pero ahora mismo no se puede llegar a él: no está registrado, \z
            no contesta o no quiere que lo molesten. La frase de motivo debería decir cuál es el caso. Retry-After \z
            puede indicar cuándo volver a llamar.",
        when = "Lo envía el proxy del registrar para un usuario sin registro o con todos sus flujos muertos, un \z
            teléfono en modo «no molestar» o un gateway por las causas RDSI 19 (no contesta) y 20 (abonado \z
            ausente). También es lo que recibe el llamante en lugar de un 430.",
        fix = "Mira si el teléfono está registrado (registros, caducidad, keep-alives, NAT) y en qué estado. Si los \z
            registros se pierden, compara el intervalo de registro con el tiempo de espera del NAT. Con un 480, \z
            pasa la llamada al buzón igual que si no contesta nadie.",
        use = "Envíalo cuando el usuario exista, ahora no se pueda llegar a él y no encaje un código más preciso.",
    },
    [481] = {
        description = "La petición pertenece a un diálogo o transacción que el receptor no tiene. El uso del \z
            diálogo (llamada o suscripción) ha terminado en ese lado, así que el emisor también lo termina.",
        when = "BYE o re-INVITE después de que el otro lado se reinicie o conmute; un CANCEL tardío; un NOTIFY \z
            después de terminar la suscripción; peticiones a las que un B2BUA cambió los tags o el Call-ID. Una \z
            renovación de sesión que lo recibe descubre una llamada muerta.",
        fix = "Termina la llamada o suscripción en tu lado y establece otra si hace falta. Si afecta a llamadas \z
            vivas, comprueba que las peticiones dentro del diálogo sigan el mismo camino (Record-Route), que tags y \z
            Call-ID no cambien y que el clúster comparta los diálogos. Un 481 a un CANCEL no termina nada por sí \z
            solo.",
        use = "Envíalo ante una petición dentro de un diálogo, un CANCEL o un Replaces que no corresponda a nada \z
            que conozcas.",
    },
    [482] = {
        description = "La petición ha vuelto a un servidor que ya la había tratado del mismo modo, o ha llegado dos \z
            veces al mismo agente de usuario por caminos distintos (petición fusionada).",
        when = "Con dos servidores que se atribuyen el dominio el uno al otro, con desvíos en círculo, con un plan \z
            de marcación que devuelve el número por donde vino o con una segunda copia de la llamada a un teléfono \z
            que aún tiene la primera.",
        fix = "Mira la lista de Via: la misma dirección dos veces delata el círculo. Corrige los dominios que cada \z
            servidor considera suyos y las reglas de desvío. Si la petición es fusionada, no envíes una segunda \z
            copia a un teléfono que aún tiene la primera.",
        use = "Envíalo cuando una petición dé vueltas sin cambiar (RFC 5393) o llegue una copia fusionada.",
    },
    [483] = {
        description = "Max-Forwards llegó a cero antes de que la petición alcanzara su destino. Es la red de \z
            seguridad contra los bucles que la detección de bucles no ve.",
        when = "En bucles entre servidores que cambian cada vez la petición (número, dominio), en cadenas muy \z
            largas de proxies y B2BUA o con un Max-Forwards que empieza demasiado bajo.",
        fix = "Lee Via e History-Info para ver por dónde dio vueltas y corrige esa regla de encaminamiento. \z
            Comprueba que las peticiones salgan con Max-Forwards 70 y que tus B2BUA trasladen el valor, menos uno. \z
            Subirlo solo esconde el bucle.",
        use = "Envíalo como proxy ante una petición con Max-Forwards 0 que tendría que seguir adelante.",
    },
    [484] = {
        description = "El número aún no está completo: faltan dígitos. La marcación solapada (overlap) se basa en \z
            este código.",
        when = "Con gateways y PBX que usan números de longitud variable, con un plan de marcación que envía el \z
            número demasiado pronto o cuando se recortó el prefijo.",
        fix = "Recoge los dígitos y envía el número entero de una vez (mapa de dígitos, tiempo entre dígitos). Si \z
            está completo, el plan del otro lado espera otro formato: prefijo, código de país, +. Con marcación \z
            solapada, sigue enviando números más largos.",
        use = "Envíalo cuando los dígitos recibidos sean el comienzo de números válidos y no uno de ellos.",
    },
    [485] = {
        description = "La dirección corresponde a varias personas, y el servidor no sabe a cuál se refiere. Contact \z
            puede enumerarlas. A diferencia del 300, debe elegir una persona, no un programa.",
        when = "Con marcación por nombre y servicios de directorio (sip:garcia@example.com). Es raro en telefonía.",
        fix = "Elige en Contact la correcta y llámala, o usa la dirección completa. En el servidor, da a los \z
            usuarios direcciones únicas; si una lista de nombres perjudica la privacidad, responde 404.",
        use = "Envíalo cuando la dirección corresponda a varias personas y puedas revelarlo.",
    },
    [486] = {
        description = "La llamada llegó a este teléfono, que está ocupado, o su usuario la rechazó. El código vale \z
            solo para ese dispositivo: otro teléfono del usuario o el buzón de voz aún puede contestar. Retry-After \z
            puede indicar cuándo volver a intentarlo.",
        when = "Lo envía un teléfono en conversación sin llamada en espera, muchos teléfonos al pulsar el botón de \z
            rechazar o un gateway por la causa RDSI 17 (usuario ocupado). Una PBX lo envía cuando la línea o la \z
            cola está llena.",
        fix = "Llama más tarde, o deja que el servidor siga con el buzón, otro dispositivo o un compañero. Si llega \z
            sin que nadie esté hablando, revisa la llamada en espera, el límite de líneas, llamadas que se quedaron \z
            abiertas (481 al BYE) y el modo no molestar.",
        use = "Envíalo cuando este dispositivo esté ocupado y el usuario aún pueda contestar en otro.",
    },
    [487] = {
        description = "El INVITE se terminó antes de que contestaran, por CANCEL o BYE. Es la respuesta final del \z
            propio INVITE; el CANCEL recibe aparte su propio 200.",
        when = "Cada vez que un llamante cuelga mientras suena, y en cada una de las demás ramas cuando un teléfono \z
            contesta una llamada bifurcada. El CANCEL también puede venir de un temporizador.",
        fix = "Si el llamante desistió, no hay nada que arreglar. Si las llamadas se cortan pronto, averigua quién \z
            envió el CANCEL y a los cuántos segundos: tiempo de timbre en el proxy, el plan de marcación o el \z
            cliente, o un tono de llamada que falta y hace colgar a la gente. El Reason del CANCEL puede indicarlo.",
        use = "Envíalo ante un INVITE que se canceló, o se terminó con BYE, antes de que se contestara.",
    },
    [488] = {
        description = "Algo de la oferta no es aceptable para este dispositivo: códecs, cifrado, direcciones, ancho \z
            de banda. Warning puede decir qué, y un cuerpo puede describir lo que el dispositivo admite. Otro \z
            destino quizá la acepte.",
        when = "Cuando no hay ningún códec común, un lado exige SRTP y el otro RTP sin cifrar, un perfil WebRTC \z
            (RTP/SAVPF) llega a un teléfono corriente, se rechaza un re-INVITE de fax (T.38) o se ofrecen medios \z
            por IPv6 a un equipo IPv4.",
        fix = "Compara los dos SDP: códecs y sus números, RTP/AVP o SAVP, crypto o fingerprint, familia de \z
            direcciones. Añade un códec común, unifica el SRTP o transcodifica en un SBC o proxy de medios. Tras un \z
            re-INVITE rechazado, la sesión anterior sigue sin cambios.",
        use = "Envíalo cuando la descripción de sesión no le valga a este extremo pero pueda valerle a otro.",
    },
    [489] = {
        description = "El servidor no entiende el paquete de eventos de Event. Allow-Events enumera los que conoce. \z
            La misma petición volvería a fallar.",
        when = "Cuando un teléfono se suscribe a message-summary, presence, dialog, reg o un evento de fabricante \z
            que el servidor no ofrece, o ante un NOTIFY de un paquete que el receptor no conoce (un NOTIFY sin \z
            suscripción recibe 481).",
        fix = "Desactiva la función en el teléfono (BLF, MWI, presencia, «as-feature-event») o habilita el paquete \z
            en el servidor. Si debería estar, comprueba que el SUBSCRIBE vaya al servidor adecuado.",
        use = "Envíalo, con Allow-Events, cuando no implementes ese paquete de eventos.",
    },
    [491] = {
        description = "Los dos lados cambiaron la llamada a la vez: el receptor tiene pendiente en este diálogo un \z
            INVITE o UPDATE propio. La petición está bien; el momento, no.",
        when = "Cuando se cruzan re-INVITE (glare): retención y recuperación, paso a T.38, renovación de sesión e \z
            ICE al mismo tiempo. A menudo con dos B2BUA que renegocian tras contestar.",
        fix = "El agente de usuario espera y repite: de 2,1 a 4 s si eligió él el Call-ID, de 0 a 2 s si no. Si se \z
            repite sin fin, deja que renueve o renegocie un solo lado (refresher=uac o uas) y envía los re-INVITE \z
            algo después de la respuesta.",
        use = "Envíalo ante un INVITE o UPDATE mientras tengas pendiente en el diálogo una oferta propia.",
    },
    [493] = {
        description = "El cuerpo va cifrado (S/MIME) y el receptor no tiene la clave o no la va a usar. La \z
            respuesta puede traer una clave pública con la que cifrar.",
        when = "Casi nunca: solo con cuerpos S/MIME de extremo a extremo, en entornos gubernamentales o de alta \z
            seguridad.",
        fix = "Toma de la respuesta el certificado del destinatario, compruébalo y cifra de nuevo; o envía el \z
            cuerpo en claro sobre TLS. Comprueba que los certificados no hayan caducado.",
        use = "Envíalo cuando un cuerpo esté cifrado con una clave que no puedas o no vayas a usar.",
    },
    [494] = {
        description = "El servidor exige acordar los mecanismos de seguridad (sec-agree) antes de atender la \z
            petición. Security-Server enumera lo que ofrece: TLS, digest, IPsec.",
        when = "En IMS, durante el registro de teléfonos en el P-CSCF, y cuando la lista de Security-Verify no \z
            coincide con la que envió el servidor (señal de manipulación).",
        fix = "Elige en Security-Server el mejor mecanismo común, establécelo y repite con Security-Verify. Si \z
            vuelve una y otra vez, compara las listas de cliente y servidor y mira si algún equipo del camino \z
            altera las cabeceras.",
        use = "Envíalo, con Security-Server, cuando haga falta ese acuerdo (sec-agree) o se haya alterado su lista.",
    },
    [500] = {
        description = "En el servidor ha ocurrido algo inesperado: un error de script, una base de datos caída, un \z
            recurso agotado. El fallo está en su lado. Retry-After indica cuándo espera volver a funcionar.",
        when = "Lo envían proxies y PBX con scripts de encaminamiento que fallan, y un proxy lo envía en lugar de \z
            un 503 que ha recibido. También lo envía un agente de usuario, con un Retry-After de hasta 10 s, ante \z
            un INVITE que llega antes de haber contestado el anterior del mismo diálogo.",
        fix = "Lee el log de ese servidor a la hora de la llamada: script, base de datos, memoria, licencia. Si \z
            solo lo ves de un operador, mándale el Call-ID y la hora. Reintenta a los pocos segundos, o por otra \z
            ruta si tu política lo prevé.",
        use = "Envíalo cuando te detenga un error interno y no encaje un 5xx más preciso.",
    },
    [501] = {
        description = "El servidor no conoce el método en absoluto y no puede atenderlo para nadie. Los proxies \z
            reenvían los métodos que no conocen, así que este código viene de un extremo.",
        when = "PUBLISH, MESSAGE, REFER o un método de fabricante enviados a un teléfono, gateway o troncal \z
            sencillo. También llega como respuesta a los sondeos con OPTIONS, y aun así demuestra que el otro lado \z
            está vivo.",
        fix = "Deja de enviar ahí ese método o usa una alternativa (transferencia hecha por la PBX en lugar de \z
            REFER). Comprueba que el nombre vaya en mayúsculas: los métodos distinguen mayúsculas y minúsculas.",
        use = "Envíalo cuando no conozcas el método; si lo conoces y no lo permites, envía 405.",
    },
    [502] = {
        description = "Un servidor que hacía de gateway o proxy recibió del siguiente una respuesta no válida. La \z
            petición del llamante estaba bien.",
        when = "Lo envían gateways cuyo lado RTPC o TDM falló (causa RDSI 27, destino fuera de servicio) y proxies \z
            detrás de los cuales responde un servidor averiado.",
        fix = "Mira un salto más allá: el log o una traza del servidor que respondió 502 muestra qué recibió. \z
            Revisa el troncal, el enlace PRI o SS7 y los cambios recientes del otro lado. Mientras tanto, encamina \z
            por otro troncal.",
        use = "Envíalo como gateway o proxy cuando la respuesta del servidor siguiente no sea válida.",
    },
    [503] = {
        description = "El servidor no puede atender ahora la petición: sobrecarga, mantenimiento, ningún troncal \z
            libre. Con Retry-After no se le debe enviar nada durante ese tiempo; sin él, actúa como un 500. Un \z
            proxy lo reenvía como 500, para que los clientes no eviten al propio proxy.",
        when = "Lo envían servidores sobrecargados o que se están retirando del servicio, operadores que han \z
            llegado a su límite de canales o de llamadas por segundo y gateways sin circuito o con la red averiada \z
            (causas RDSI 34, 38, 41, 42). También se genera en local cuando no se puede establecer una conexión.",
        fix = "Pasa al siguiente servidor (DNS SRV, dispatcher) y deja descansar a este el tiempo que diga \z
            Retry-After. Luego busca la causa: llamadas por segundo, canales, licencia, CPU, certificado o puerto \z
            de la conexión TLS. No insistas: los reintentos agravan la sobrecarga.",
        use = "Envíalo cuando estés sobrecargado o a punto de parar, con Retry-After si sabes por cuánto tiempo.",
    },
    [504] = {
        description = "El servidor esperaba a otro (DNS, base de datos, la red del siguiente salto), que no \z
            respondió a tiempo. El servidor en sí funciona.",
        when = "Lo envían proxies cuya consulta (LDAP, HTTP, ENUM) no obtuvo respuesta a tiempo y gateways por la \z
            causa RDSI 102, vencimiento de un temporizador.",
        fix = "Averigua a qué servicio externo esperaba y revisa su latencia y si es accesible. Acorta ese tiempo \z
            de espera y configura una alternativa, para que las llamadas no se queden colgadas. Repetir puede \z
            servir si el retraso fue pasajero.",
        use = "Envíalo cuando no haya respondido un servidor externo que necesitabas; si quien no respondió fue el \z
            lado llamado de la petición SIP, envía 408.",
    },
    [505] = {
        description = "El servidor no admite la versión de SIP de la petición. La única que se usa es SIP/2.0.",
        when = "Con mensajes dañados o hechos a mano, herramientas de prueba y escáneres, o cuando llega al puerto \z
            algo que no es SIP.",
        fix = "Mira la primera línea de la petición tal como llegó: debe acabar en SIP/2.0. Revisa la herramienta o \z
            el programa que la generó; si es un escáner, bloquea el origen.",
        use = "Envíalo cuando la versión de la línea de petición no sea 2.0.",
    },
    [513] = {
        description = "El mensaje entero es más largo de lo que el servidor puede manejar. El cuerpo puede ser solo \z
            una pequeña parte.",
        when = "Con listas largas de Via, Record-Route e History-Info, muchos candidatos ICE, cabeceras Identity \z
            grandes, o por UDP cerca de su límite.",
        fix = "Reduce el mensaje: menos códecs, quita las cabeceras privadas en la frontera, usa formas compactas. \z
            Usa TCP o TLS por encima de 1300 bytes. En tu propio servidor, sube el límite del mensaje.",
        use = "Envíalo cuando el problema sea la longitud del mensaje entero; si es el cuerpo, envía 413.",
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
        fix = "Ofrece la sesión sin precondiciones obligatorias, o decláralas como opcionales (optional). En redes \z
            móviles, revisa el establecimiento de la portadora (PCRF, Rx/N5) y la cobertura. Hacia SIP corriente, \z
            haz que el elemento de frontera quite las precondiciones.",
        use = "Envíalo ante un INVITE o UPDATE cuyas precondiciones obligatorias no puedas cumplir.",
    },
    [600] = {
        description = "La llamada llegó al usuario, que está ocupado, y ningún otro dispositivo ni el buzón de voz \z
            la aceptará. La búsqueda termina: las demás ramas se cancelan.",
        when = "Lo envían teléfonos o PBX que responden por todos los dispositivos del usuario. Algunos equipos lo \z
            envían por error en lugar de 486 y silencian así los demás teléfonos del usuario.",
        fix = "Llama más tarde; Retry-After puede indicar cuándo. Si tenía que contestar el buzón u otro teléfono, \z
            cambia a 486 el código de ocupado o de rechazo del equipo, o convierte 600 en 486 donde tu red lo \z
            permita.",
        use = "Envíalo cuando sepas que el usuario está ocupado y que nada más contestará por él.",
    },
    [603] = {
        description = "La llamada llegó al usuario, que no la quiere y no da ningún motivo. Tampoco contestará otro \z
            dispositivo: la búsqueda termina. Retry-After puede indicar un momento mejor.",
        when = "Lo envían teléfonos cuyo botón de rechazar vale para todos los dispositivos del usuario, servicios \z
            de bloqueo de llamadas y operadores que no cursan la llamada.",
        fix = "No vuelvas a llamar de forma automática. Si los demás teléfonos del usuario deben seguir sonando \z
            cuando rechaza en uno, configura ese teléfono para responder 486. Si viene de un operador, lee la frase \z
            de motivo y la cabecera Reason: quizá la bloqueó un sistema de análisis de llamadas.",
        use = "Envíalo cuando el usuario rechace en firme y para todos sus dispositivos, sin decir por qué.",
    },
    [604] = {
        description = "El servidor sabe, como autoridad, que este usuario no existe en ninguna parte. La búsqueda \z
            termina.",
        when = "Pocas veces: lo envía un servidor de portabilidad o de directorio que conoce todo el rango de \z
            números. La mayoría de las redes responde 404 en su lugar.",
        fix = "Revisa el número o la dirección y si llegó a asignarse. Si existe, la base de datos autoritativa \z
            está mal: corrige la entrada de portabilidad o de directorio. Probar otra ruta no sirve mientras esa \z
            base de datos esté mal.",
        use = "Envíalo solo si eres la autoridad y ningún otro servidor puede conocer al usuario.",
    },
    [606] = {
        description = "El usuario quiere comunicarse, pero la sesión ofrecida (medios, ancho de banda, direcciones) \z
            no vale para ninguno de sus dispositivos. Warning puede dar los motivos.",
        when = "Pocas veces: lo envía una PBX o un servidor de aplicaciones que responde por todos los dispositivos \z
            del usuario. Un teléfono por sí solo debería responder 488.",
        fix = "Repasa el SDP como con un 488 (códecs, SRTP, familia de direcciones) y ofrece de nuevo lo que \z
            permitan Warning y el cuerpo. Si otro dispositivo podría aceptar la oferta, haz que el emisor use 488.",
        use = "Envíalo cuando la oferta no sea aceptable en ninguno de los extremos del usuario.",
    },
    [607] = {
        description = "La persona llamada ha marcado la llamada como no deseada, por ejemplo con un botón de spam. \z
            Termina la búsqueda, como todo 6xx, e informa sobre este llamante al proveedor, que puede tenerlo en \z
            cuenta en sus filtros.",
        when = "Lo envían teléfonos y aplicaciones cuyo proveedor anuncia sip.607, en lugar de un simple rechazo. \z
            También puede aparecer como causa en el Reason de un BYE o un CANCEL.",
        fix = "El lado llamante debería dejar de llamar. Si las llamadas son legítimas, comprueba que vayan \z
            firmadas (STIR/SHAKEN) y con el número correcto, y trátalo con el proveedor del llamado: la \z
            señalización no puede deshacer la marca.",
        use = "Envíalo cuando la persona llamada no quiera ninguna llamada de este llamante.",
    },
    [608] = {
        description = "Una máquina de la red, normalmente un sistema de análisis de llamadas, rechazó la llamada \z
            antes de que llegara a la persona. Call-Info, si viene, da un contacto firmado (jCard) para reclamar.",
        when = "En redes con filtros automáticos de spam, sobre todo en Norteamérica, para llamadas con mala \z
            reputación o sin atestación.",
        fix = "Usa el contacto de Call-Info para que levanten el bloqueo, da de alta tus números ante los \z
            proveedores de análisis y firma con atestación completa (A). Cambiar de número para esquivarlo empeora \z
            la reputación.",
        use = "Envíalo como servicio de bloqueo en la red, con un Call-Info que indique a quién reclamar.",
    },
}
