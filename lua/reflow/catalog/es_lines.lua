-- SPDX-License-Identifier: BSD-2-Clause
-- Cada código registrado en una línea, como frase que puede ir tras «430: », qué hacer,
-- y palabras con las que se busca.
return {
    [100] = {
        "el siguiente salto tiene la petición y la está procesando",
        "esperar la siguiente respuesta",
        "intentando provisional",
    },
    [180] = {
        "el teléfono llamado está sonando",
        "esperar a que contesten",
        "sonando timbre tono llamada",
    },
    [181] = {
        "la llamada se está desviando a otro destino",
        "esperar la respuesta del nuevo destino",
        "desvío desviada reenvío",
    },
    [182] = {
        "la llamada espera en una cola",
        "esperar en la cola",
        "cola espera centro de llamadas agente",
    },
    [183] = {
        "la llamada avanza, normalmente con audio temprano",
        "reproducir el audio que llegue y esperar",
        "audio temprano locución progreso",
    },
    [199] = {
        "ha terminado un diálogo temprano de una llamada bifurcada, y la llamada sigue",
        "liberar lo que pertenece a ese diálogo temprano y esperar",
        "bifurcación",
    },

    [200] = {
        "la petición ha tenido éxito",
        "confirmarlo con ACK si responde a un INVITE, y seguir",
        "éxito contestada registrado aceptada",
    },
    [202] = {
        "la forma antigua de aceptar un SUBSCRIBE o un REFER, que se lee como 200",
        "leerlo como 200 y esperar el NOTIFY",
        "aceptado transferencia presencia",
    },
    [204] = {
        "la suscripción se ha renovado y no vendrá ningún NOTIFY",
        "conservar el estado que se tiene",
        "presencia notificación condicional",
    },

    [300] = {
        "hay varias direcciones para elegir",
        "elegir uno de los Contact",
        "redirección contactos rutas",
    },
    [301] = {
        "el usuario se ha trasladado para siempre, y Contact trae la nueva dirección",
        "llamar a la nueva dirección y guardarla",
        "redirección trasladado mudado numeración",
    },
    [302] = {
        "esta llamada debe ir a la dirección de Contact",
        "llamar a la dirección de Contact",
        "redirección desvío",
    },
    [305] = {
        "al usuario solo se llega por el proxy de Contact",
        "enviar la petición por ese proxy, si es de confianza",
        "redirección proxy de salida",
    },
    [380] = {
        "la llamada ha fallado, pero el cuerpo describe otro servicio",
        "leer en el cuerpo qué servicio usar",
        "emergencia volte ims",
    },

    [400] = {
        "la petición está mal formada",
        "corregir la petición",
        "sintaxis error malformada alg",
    },
    [401] = {
        "el registrar o el agente de usuario pide credenciales",
        "repetir la petición con credenciales",
        "autenticación contraseña reto credenciales",
    },
    [402] = {
        "el código está reservado, y en la práctica significa que no hay saldo",
        "poner la cuenta al día o usar otro operador",
        "saldo crédito prepago dinero pago",
    },
    [403] = {
        "el servidor entiende la petición y la rechaza",
        "no repetir la petición hasta tener permiso",
        "prohibido bloqueado rechazado permiso denegado",
    },
    [404] = {
        "el usuario no existe en este dominio",
        "revisar el número y el dominio",
        "desconocido inexistente número no asignado",
    },
    [405] = {
        "el método no se permite para esta dirección",
        "usar un método que figure en Allow",
        "método no permitido",
    },
    [406] = {
        "Accept excluye todas las respuestas que el servidor podría dar",
        "aceptar el tipo que el servidor puede enviar",
        "no aceptable tipo presencia",
    },
    [407] = {
        "un proxy del camino pide credenciales",
        "repetir la petición con credenciales para ese proxy",
        "autenticación contraseña reto credenciales",
    },
    [408] = {
        "no llegó respuesta a tiempo",
        "buscar el salto en el que se pierde la petición o la respuesta",
        "tiempo agotado silencio cortafuegos perdido",
    },
    [410] = {
        "la dirección existió y ha desaparecido para siempre",
        "quitar la dirección de las rutas",
        "baja portado cancelado número",
    },
    [412] = {
        "no existe el estado publicado que indica el PUBLISH",
        "publicar de nuevo el estado completo, sin la etiqueta de entidad",
        "presencia publicación etiqueta",
    },
    [413] = {
        "el cuerpo es demasiado grande",
        "reducir el cuerpo",
        "tamaño cuerpo límite",
    },
    [414] = {
        "la Request-URI es demasiado larga",
        "acortar la Request-URI",
        "tamaño largo",
    },
    [415] = {
        "no se admite el tipo del cuerpo",
        "usar un tipo de cuerpo que figure en Accept",
        "tipo contenido dtmf",
    },
    [416] = {
        "no se admite el esquema de la Request-URI",
        "usar una URI sip",
        "esquema tel: urn: emergencias",
    },
    [417] = {
        "el servidor no conoce la prioridad exigida en Resource-Priority",
        "usar una prioridad que el servidor conozca",
        "prioridad emergencia gobierno",
    },
    [420] = {
        "la petición exige una extensión que el servidor no admite",
        "quitar las extensiones que enumera Unsupported",
        "extensión exigida 100rel timer",
    },
    [421] = {
        "el servidor exige una extensión que el cliente no ofrece",
        "activar esa extensión",
        "extensión exigida admitida",
    },
    [422] = {
        "el intervalo de sesión es menor que Min-SE",
        "pedir al menos Min-SE",
        "temporizador de sesión intervalo",
    },
    [423] = {
        "la duración pedida es menor que Min-Expires",
        "pedir al menos Min-Expires",
        "caducidad registro intervalo",
    },
    [424] = {
        "la localización de la petición no se puede usar",
        "corregir la localización",
        "localización ubicación emergencia",
    },
    [425] = {
        "la alerta de la petición no se puede usar",
        "corregir la alerta",
        "alerta alarma emergencia sensor",
    },
    [428] = {
        "la petición debe ir firmada y no lo está",
        "firmar la petición",
        "firma identidad certificado",
    },
    [429] = {
        "la transferencia necesita un token Referred-By firmado",
        "transferir otra vez con un token firmado",
        "transferencia identidad",
    },
    [430] = {
        "el flujo hacia el teléfono se ha perdido, y quizá se llegue a él por otro",
        "probar otro flujo del teléfono",
        "flujo borde conexión perdida caída",
    },
    [433] = {
        "no se aceptan llamadas anónimas",
        "volver a llamar mostrando la identidad, si así se desea",
        "anónimo privacidad número oculto",
    },
    [436] = {
        "no se puede obtener el certificado de la firma",
        "hacer accesible el certificado",
        "firma certificado identidad",
    },
    [437] = {
        "no se acepta el certificado de la firma",
        "firmar con un certificado en el que confíe la otra red",
        "firma certificado confianza identidad",
    },
    [438] = {
        "la firma de la petición no es válida",
        "buscar qué cambia la petición después de firmarla",
        "firma identidad inválida",
    },
    [439] = {
        "el primer proxy no admite outbound",
        "registrarse sin outbound o por otro proxy",
        "registro flujo primer salto",
    },
    [440] = {
        "la búsqueda se bifurcaría en demasiadas ramas",
        "bifurcar a menos destinos",
        "bifurcación ramas anchura bucle",
    },
    [469] = {
        "no se admite el Info Package",
        "usar un Info Package que figure en Recv-Info",
        "paquete info dtmf",
    },
    [470] = {
        "los destinatarios deben dar antes su consentimiento",
        "conseguir el consentimiento de los destinatarios",
        "consentimiento lista permiso",
    },
    [480] = {
        "el usuario existe, pero ahora no se puede llegar a él",
        "volver a llamar más tarde",
        "no disponible desconectado sin registrar no contesta",
    },
    [481] = {
        "el receptor no conoce la llamada o la transacción",
        "dar por terminada la llamada o la suscripción antigua",
        "diálogo llamada desconocida tarde",
    },
    [482] = {
        "la petición ha vuelto a un servidor por el que ya pasó",
        "corregir el encaminamiento que la hace dar vueltas",
        "bucle encaminamiento",
    },
    [483] = {
        "la petición ha pasado por demasiados servidores",
        "buscar el bucle, o corregir un Max-Forwards que empieza demasiado bajo",
        "bucle saltos encaminamiento",
    },
    [484] = {
        "la dirección o el número está incompleto",
        "marcar el número completo",
        "cifras dígitos incompleto marcación",
    },
    [485] = {
        "la dirección corresponde a varios usuarios",
        "dejar que una persona elija uno de los usuarios",
        "ambiguo varios elegir",
    },
    [486] = {
        "el teléfono está ocupado",
        "volver a llamar más tarde o pasar al buzón",
        "ocupado comunicando rechazo no molestar",
    },
    [487] = {
        "la petición se canceló antes de que se contestara",
        "no hacer nada si colgó el llamante, o averiguar qué envió el CANCEL",
        "cancelado cancelada colgó abandonada",
    },
    [488] = {
        "el teléfono no acepta la sesión ofrecida",
        "ofrecer códecs y cifrado que el teléfono admita",
        "códec medios cifrado incompatible",
    },
    [489] = {
        "el servidor no conoce el paquete de eventos",
        "usar un paquete de eventos que figure en Allow-Events",
        "presencia suscripción evento buzón",
    },
    [491] = {
        "los dos lados enviaron a la vez un INVITE o un UPDATE",
        "esperar un tiempo aleatorio y repetir",
        "colisión choque simultáneo retención",
    },
    [493] = {
        "el cuerpo cifrado no se puede descifrar",
        "cifrar con la clave del destinatario",
        "cifrado descifrar clave",
    },
    [494] = {
        "antes hay que acordar un mecanismo de seguridad",
        "elegir un mecanismo de Security-Server",
        "seguridad acuerdo ims",
    },

    [500] = {
        "el servidor tuvo un error interno",
        "leer el log de ese servidor",
        "error interno fallo script",
    },
    [501] = {
        "el servidor no conoce el método",
        "prescindir de ese método",
        "método desconocido no implementado",
    },
    [502] = {
        "el servidor siguiente dio una respuesta no válida",
        "revisar el servidor que hay detrás",
        "gateway pasarela troncal respuesta inválida",
    },
    [503] = {
        "el servidor no puede atender peticiones ahora",
        "pasar a otro servidor, y volver a este solo tras el tiempo de Retry-After",
        "sobrecarga saturado mantenimiento congestión troncal",
    },
    [504] = {
        "otro servidor que este necesita no respondió a tiempo",
        "averiguar a qué esperaba ese servidor",
        "tiempo agotado base de datos lento",
    },
    [505] = {
        "no se admite la versión de SIP",
        "enviar SIP/2.0",
        "versión escáner",
    },
    [513] = {
        "el mensaje entero es demasiado grande",
        "reducir el mensaje o usar TCP",
        "tamaño fragmento grande",
    },
    [555] = {
        "no se admite el servicio push",
        "registrarse sin push o configurar el servicio",
        "push móvil aplicación notificación",
    },
    [580] = {
        "no se puede cumplir una precondición, como la reserva de ancho de banda",
        "ofrecer la llamada sin esa precondición",
        "recursos calidad qos precondición condición previa",
    },

    [600] = {
        "el usuario está ocupado en todos sus dispositivos",
        "volver a llamar más tarde",
        "ocupado en todas partes",
    },
    [603] = {
        "el usuario rechaza la llamada",
        "no volver a llamar de forma automática",
        "rechazo rechazada declinada bloqueada",
    },
    [604] = {
        "el usuario no existe en ninguna parte",
        "corregir el número, porque ninguna otra ruta sirve",
        "inexistente desconocido",
    },
    [606] = {
        "ningún dispositivo del usuario acepta la sesión ofrecida",
        "ofrecer otro tipo de sesión",
        "códec medios",
    },
    [607] = {
        "la persona llamada marca la llamada como no deseada",
        "dejar de llamar",
        "correo basura spam no deseada",
    },
    [608] = {
        "un filtro de la red rechazó la llamada",
        "reclamar a través del contacto de Call-Info",
        "spam filtro bloqueo analítica",
    },
}
