-- SPDX-License-Identifier: BSD-2-Clause
-- The reasons of decisions (the column "why" of module/core/codes.def, and those of decide()), in Spanish.
return {
    -- codes.def
    ["the next hop has received the request and is working on it"] =
        "el siguiente salto ha recibido la petición y la está procesando",
    ["the user is being alerted"] = "se está avisando al usuario",
    ["the call is being forwarded"] = "la llamada se está desviando",
    ["the call waits in a queue"] = "la llamada espera en una cola",
    ["the call makes progress"] = "la llamada avanza",
    ["one early dialog has ended; others may continue"] =
        "ha terminado un diálogo temprano, y otros pueden continuar",
    ["the request succeeded"] = "la petición ha tenido éxito",
    ["202 is treated as 200"] = "un 202 se trata como un 200",
    ["the subscription is active and its state has not changed"] =
        "la suscripción está activa y su estado no ha cambiado",
    ["the user can be reached at several addresses"] = "se puede llegar al usuario por varias direcciones",
    ["the user has moved permanently"] = "el usuario se ha trasladado para siempre",
    ["the user has moved temporarily"] = "el usuario se ha trasladado temporalmente",
    ["the request must be sent through another proxy"] = "la petición debe enviarse a través de otro proxy",
    ["another service is offered in the body"] = "el cuerpo ofrece otro servicio",
    ["the request was not understood"] = "no se entendió la petición",
    ["the user agent server asks for credentials"] = "el agente de usuario que recibe la petición pide credenciales",
    ["402 is reserved and is treated as a refusal"] = "el 402 está reservado y se trata como un rechazo",
    ["the request was understood and refused; credentials do not help"] =
        "la petición se entendió y se rechazó; unas credenciales no ayudan",
    ["there is no such user in that domain"] = "ese usuario no existe en ese dominio",
    ["the method is not allowed for that address"] = "el método no se permite para esa dirección",
    ["no response fits what the Accept header field allows"] =
        "ninguna respuesta se ajusta a lo que permite la cabecera Accept",
    ["a proxy asks for credentials"] = "un proxy pide credenciales",
    ["no answer came in time"] = "no llegó respuesta a tiempo",
    ["the user no longer exists there"] = "el usuario ya no existe en esa dirección",
    ["the entity-tag is not known: publish anew without it"] =
        "no se conoce la etiqueta de entidad: hay que publicar de nuevo sin ella",
    ["the body is too large"] = "el cuerpo es demasiado grande",
    ["the Request-URI is too long"] = "la Request-URI es demasiado larga",
    ["the body's type is not supported; Accept lists the supported ones"] =
        "no se admite el tipo del cuerpo; Accept enumera los admitidos",
    ["the URI's scheme is not supported: use a sip URI"] =
        "no se admite el esquema de la URI: hay que usar una URI sip",
    ["the resource priority is not known; Accept-Resource-Priority lists the known ones"] =
        "no se conoce la prioridad; Accept-Resource-Priority enumera las conocidas",
    ["a required extension is not supported: retry without it"] =
        "no se admite una extensión exigida: hay que repetir la petición sin ella",
    ["an extension is required that the request did not offer"] =
        "se exige una extensión que la petición no ofrecía",
    ["the session interval is below Min-SE"] = "el intervalo de sesión es menor que Min-SE",
    ["the expiry is below Min-Expires"] = "la duración es menor que Min-Expires",
    ["the location must be corrected; the dialog continues"] =
        "hay que corregir la localización; el diálogo continúa",
    ["the alert message cannot be used"] = "el mensaje de alerta no se puede usar",
    ["the request must be signed"] = "la petición debe ir firmada",
    ["the identity of the referrer is required"] = "se exige la identidad de quien transfiere",
    ["a user agent should never see 430 and reads it as 400"] =
        "un agente de usuario no debería ver nunca un 430, y lo trata como un 400",
    ["anonymous calls are refused, and only the caller may consent to be identified"] =
        "no se aceptan llamadas anónimas, y solo el llamante puede consentir que se le identifique",
    ["the signer's credential could not be fetched: make its Identity info reachable"] =
        "no se pudo obtener la credencial del firmante: hay que hacer accesible la URI info de su Identity",
    ["the signer's credential is not accepted: sign with another"] =
        "no se acepta la credencial del firmante: hay que firmar con otra",
    ["the signature is not valid: retry once with a full PASSporT"] =
        "la firma no es válida: se puede repetir la petición una vez con un PASSporT completo",
    ["the first hop does not support outbound: register without it, or through another first hop"] =
        "el primer salto no admite outbound: hay que registrarse sin él o por otro primer salto",
    ["the search forks too widely: narrow it"] = "la búsqueda se bifurca demasiado: hay que acotarla",
    ["the peer does not accept that Info Package; the dialog usage continues"] =
        "el otro lado no acepta ese Info Package; el uso del diálogo continúa",
    ["the recipients named in Permission-Missing must consent first"] =
        "los destinatarios que enumera Permission-Missing deben dar antes su consentimiento",
    ["the user cannot be reached now"] = "ahora no se puede llegar al usuario",
    ["the peer does not know that dialog or transaction"] = "el otro lado no conoce ese diálogo o esa transacción",
    ["the request has returned to a server that it passed before"] =
        "la petición ha vuelto a un servidor por el que ya pasó",
    ["Max-Forwards ran out"] = "se agotó Max-Forwards",
    ["the address lacks digits"] = "a la dirección le faltan dígitos",
    ["the address matches several users"] = "la dirección corresponde a varios usuarios",
    ["the user is busy there"] = "el usuario está ocupado en ese destino",
    ["the request was cancelled"] = "la petición se canceló",
    ["the session that was offered is not acceptable there"] = "la sesión ofrecida no es aceptable en ese destino",
    ["the event package is not known there"] = "el receptor no conoce el paquete de eventos",
    ["both sides sent a request at once: wait a random time and retry"] =
        "los dos lados enviaron una petición a la vez: hay que esperar un tiempo aleatorio y repetirla",
    ["the encrypted body could not be read"] = "no se pudo leer el cuerpo cifrado",
    ["a mechanism must be chosen from Security-Server"] = "hay que elegir un mecanismo de Security-Server",
    ["the server had an internal error"] = "el servidor tuvo un error interno",
    ["the server does not know the method"] = "el servidor no conoce el método",
    ["a server further on sent an invalid response"] = "un servidor posterior envió una respuesta no válida",
    ["the server cannot serve the request now"] = "el servidor no puede atender ahora la petición",
    ["a server further on did not answer in time"] = "un servidor posterior no respondió a tiempo",
    ["the SIP version is not supported"] = "no se admite la versión de SIP",
    ["the message is too large for the server"] = "el mensaje es demasiado grande para el servidor",
    ["the network does not support that push service"] = "la red no admite ese servicio push",
    ["a precondition of the session cannot be met"] = "no se puede cumplir una precondición de la sesión",
    ["the user is busy everywhere"] = "el usuario está ocupado en todas partes",
    ["the user declines"] = "el usuario rechaza la llamada",
    ["the user exists nowhere"] = "el usuario no existe en ninguna parte",
    ["the user would accept a call, but not with this session"] =
        "el usuario aceptaría una llamada, pero no con esta sesión",
    ["the user says the call is unwanted"] = "el usuario dice que la llamada no es deseada",
    ["an intermediary rejected the call for the user"] = "un intermediario rechazó la llamada en nombre del usuario",

    -- decide()
    ["the flow is dead, and so is every binding on it"] = "el flujo está muerto, y con él todos sus registros",
    ["the response could not be sent, and the client will retransmit the request"] =
        "la respuesta no se pudo enviar, y el cliente retransmitirá la petición",
    ["a 408 to a request other than INVITE would arrive too late to be of use"] =
        "un 408 a una petición que no es INVITE llegaría demasiado tarde para servir de algo",
    ["430 is for authoritative proxies and is never sent to an endpoint"] =
        "el 430 es para los proxies autoritativos y no se envía nunca a un extremo",
    ["the first hop does not support outbound, and the user agent asked for it"] =
        "el primer salto no admite outbound, y el agente de usuario lo pidió",
    ["439 would mean nothing to a client that did not ask for outbound"] =
        "un 439 no significaría nada para un cliente que no pidió outbound",
    ["the registration is active"] = "el registro está activo",
    ["no transaction waits for this response"] = "ninguna transacción espera esta respuesta",
    ["CANCEL is answered hop by hop; only the request that it cancels counts"] =
        "un CANCEL se responde salto a salto; solo cuenta la petición que cancela",
    ["a final response was forwarded already"] = "ya se reenvió una respuesta final",
    ["this branch has ended, and there are targets left to try"] =
        "esta rama ha terminado, y quedan destinos por probar",
    ["the flow did not reach the phone, and its Contact can be called directly"] =
        "el flujo no llegó al teléfono, y se puede llamar directamente a su Contact",
    ["the server failed, and its domain has another one"] = "el servidor falló, y su dominio tiene otro servidor",
    ["100 is not forwarded"] = "un 100 no se reenvía",
    ["a provisional response above 100 is forwarded at once"] =
        "una respuesta provisional superior a 100 se reenvía de inmediato",
    ["every 2xx to INVITE is forwarded at once"] = "cada 2xx a un INVITE se reenvía de inmediato",
    ["the first 2xx is forwarded at once"] = "el primer 2xx se reenvía de inmediato",
    ["the policy follows redirections"] = "la política sigue las redirecciones",
    ["the challenges of all branches are forwarded together"] =
        "los retos de todas las ramas se reenvían juntos",
    ["nothing was received over this flow; another one may reach the phone"] =
        "no se recibió nada por este flujo, y otro puede llegar al teléfono",
    ["no final response came in time"] = "no llegó ninguna respuesta final a tiempo",
    ["the destination asks for a pause"] = "el destino pide una pausa",
    ["the request could not be sent; another flow is left"] = "la petición no se pudo enviar; queda otro flujo",
    ["a request that cannot be sent counts as a 503"] = "una petición que no se puede enviar cuenta como un 503",
    ["a 430 ranks below any other response"] = "un 430 queda por debajo de cualquier otra respuesta",
    ["the phone cannot be reached, and no target is left"] =
        "no se puede llegar al teléfono, y no queda ningún destino",
    ["no flow and no target is left"] = "no queda ningún flujo ni ningún destino",
    ["the authoritative proxy must know that this flow is gone"] =
        "el proxy autoritativo debe saber que este flujo se ha perdido",
    ["the peer acknowledged nothing over this flow, and another one is left"] =
        "el otro lado no confirmó nada por este flujo, y queda otro",
    ["the flow is dead, and another one is left"] = "el flujo está muerto, y queda otro",
    ["this flow is gone, and another flow of the instance is left"] =
        "este flujo se ha perdido, y queda otro de la instancia",
    ["the instance has the request and may answer over a new flow"] =
        "la instancia tiene la petición y puede responder por un flujo nuevo",
    ["a 6xx ends the search: nothing new is tried"] = "un 6xx termina la búsqueda: no se prueba nada nuevo",
    ["the changed request was refused as well"] = "la petición modificada también se rechazó",
    ["credentials are required, but the response has no challenge"] =
        "se exigen credenciales, pero la respuesta no trae ningún reto",
    ["the interval is too short, and the response does not name a sufficient one"] =
        "el intervalo es demasiado corto, y la respuesta no indica uno suficiente",
    ["Retry-After says when to try again"] = "Retry-After dice cuándo volver a intentarlo",
    ["Retry-After says when the user may try again"] = "Retry-After dice cuándo puede volver a intentarlo el usuario",
    ["the flow failed: register again after the recovery wait"] =
        "el flujo falló: hay que volver a registrarse tras la espera de recuperación",
    ["the registrar says when to register again"] = "el registrar dice cuándo volver a registrarse",
    ["the flow failed, and another one is left"] = "el flujo falló, y queda otro",
    ["outbound was applied: the flow is kept alive from now on"] =
        "se aplicó outbound: desde ahora el flujo se mantiene vivo",
    ["the call was answered: ACK each 2xx"] = "la llamada se contestó: cada 2xx recibe un ACK",
    ["the caller gave up before the call was answered"] = "el llamante desistió antes de que se contestara la llamada",
    ["the subscription is active"] = "la suscripción está activa",
    ["the response has more than one Via and was meant for somebody else"] =
        "la respuesta trae más de un Via y estaba destinada a otro",
    ["a status outside 100 to 699 is malformed"] =
        "un código de estado fuera del intervalo de 100 a 699 está mal formado",
}
