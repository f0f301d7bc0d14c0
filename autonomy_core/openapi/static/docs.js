// A file of its own, because the page's Content-Security-Policy allows no inline script.
"use strict";

const place = document.getElementById("swagger-ui");

SwaggerUIBundle({
  domNode: place,
  url: place.dataset.description,
  deepLinking: true,
  // Otherwise a description given in the page's own address would be loaded, wherever it is.
  queryConfigEnabled: false,
  // Otherwise every address but a local one is sent to a validator on the Internet.
  validatorUrl: null,
});
