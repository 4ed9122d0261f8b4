// Pages that are told of news while they are open, on the port that is in PORT. A request to
// /leaky leaves its listener behind, one to /fixed does not.

const { EventEmitter } = require('node:events');
const express = require('express');

const news = new EventEmitter();
news.setMaxListeners(0);
const app = express();

app.get('/leaky', (request, response) => {
  news.on('news', (text) => response.write(text));
  response.json({ headlines: [] });
});

app.get('/fixed', (request, response) => {
  const tell = (text) => response.write(text);
  news.on('news', tell);
  response.on('close', () => news.off('news', tell));
  response.json({ headlines: [] });
});

const server = app.listen(process.env.PORT, '127.0.0.1', () => {
  console.log(`listening on ${process.env.PORT}`);
});
process.on('SIGTERM', () => server.close());
