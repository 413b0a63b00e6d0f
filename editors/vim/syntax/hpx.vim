" Recipes of hpx (*.rcp): docs/recipe.md has the language.
if exists('b:current_syntax')
  finish
endif

let s:statements = 'dataset model program train axis search include'
let s:settings = 'activation batch beta1 beta2 code command continue data dropout env epochs epsilon eta evaluations fill'
      \ . ' filters first gpus hidden init initial keep kernel lag limit match memory method metrics min-epochs'
      \ . ' momentum neighbours nesterov objective optimizer padding pass per-cost pool pooling promote rate repeat'
      \ . ' run-in scan schedule screen-epochs seed seeds start step-epochs step-factor stride take test threads'
      \ . ' timeout train validation version volatile weight-decay workers'
let s:words = 'adam all asha average axes bayes best constant copy cosine diagonal exact file full-cross gelu glorot'
      \ . ' grid halving he hill-climb hyperband low max maximise minimise newest no none outward partial-cross'
      \ . ' random relu resume same sgd sigmoid stdout step tanh test_accuracy test_loss train_accuracy train_loss'
      \ . ' valid validation_accuracy validation_loss within worktree yes'
let s:forms = 'linear log log2 log10 ordered points step unordered'

" The words of a list, whole: blanks, '=' and comments end them.
function! s:any(list) abort
  return '\%(' . join(split(a:list), '\|') . '\)'
endfunction
let s:end = '\ze\%([ \t=#]\|$\)'

execute 'syntax match hpxStatement "^' . s:any(s:statements) . s:end . '" nextgroup=hpxName skipwhite'
syntax match hpxName "[^ \t=#]\+" contained
execute 'syntax match hpxSetting "^[ \t]\+\zs' . s:any(s:settings) . '\ze[ \t]*="'
syntax region hpxValues matchgroup=hpxEquals start="=" skip="\\\n" end="$" keepend
      \ contains=hpxString,hpxComment,hpxReference,hpxNumber,hpxForm,hpxWord,hpxGoesOn
execute 'syntax match hpxWord "[^ \t=]\@1<!' . s:any(s:words) . s:end . '" contained'
execute 'syntax match hpxForm "\%(^axis[ \t]\+[^ \t=]\+[ \t]*=.*\)\@<=[^ \t=]\@1<!' . s:any(s:forms) . s:end . '" contained'
syntax match hpxNumber "[^ \t=]\@1<!\d\+\%(\.\d\+\)\=\%(e[-+]\=\d\+\)\=\%(\.\.\d\+\%(\.\d\+\)\=\%(e[-+]\=\d\+\)\=\)\=\ze\%([ \t#]\|$\)" contained
syntax match hpxReference "\$\%([A-Za-z0-9_-]\+\|{[A-Za-z0-9_-]\+}\)" contained
syntax match hpxString "\"[^\"]*\"" contained contains=hpxReference
syntax match hpxString "'[^']*'" contained contains=hpxReference
syntax match hpxGoesOn "\\$" contained
syntax match hpxComment "#.*$" contains=@Spell

highlight default link hpxStatement Statement
highlight default link hpxName Title
highlight default link hpxSetting Identifier
highlight default link hpxEquals Operator
highlight default link hpxWord Constant
highlight default link hpxForm Type
highlight default link hpxNumber Number
highlight default link hpxReference PreProc
highlight default link hpxString String
highlight default link hpxGoesOn Special
highlight default link hpxComment Comment

let b:current_syntax = 'hpx'
