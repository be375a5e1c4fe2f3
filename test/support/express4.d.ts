/** Express 4, under the name of its devDependency, with the types of Express 5: the tests use what both have. */
declare module 'express4' {
  import express from 'express';
  export = express;
}
