"""What a user says that needs no tool: small talk and questions of knowledge. Answered by the base model (base_replies.py)."""

SMALL_TALK = """Hello|Hello there!|Hey, how is it going?|Good morning!|How are you today?|Nice to meet you.|Thank you!|Thanks a lot for your help.|Ok, bye.|See you tomorrow.
Who are you?|What is your name?|Who made you?|Can you help me?|What can you do?|Are you a robot?|Do you have feelings?|How old are you?|Where do you live?|Do you sleep?
I'm bored.|I'm so tired today.|I had a wonderful day.|I am nervous about my interview.|My dog is sick and I'm worried.|I just moved to a new city.|It's my birthday!|I lost my keys again.|I love pizza.|I don't know what to do.
Tell me a joke.|Tell me a short story.|Tell me a fun fact.|Give me some advice.|Say something nice.|Motivate me.|Make me laugh.|Tell me a riddle.|Sing me a song.|Surprise me.
That's great!|No, thanks.|Yes, please.|Never mind.|I see.|That is not what I meant.|Hmm, interesting.|Sounds good.|Why?|Really?
What is your favorite color?|What's your favorite book?|Do you like music?|Do you have friends?|What do you think about art?|What would you do with a million dollars?|Is it better to be early or late?|Cats or dogs?|Coffee or tea?|Do you dream?""".replace("\n", "|").split("|")

KNOWLEDGE = """What is the capital of France?|What is the capital of Japan?|What's the capital of Canada?|Who wrote Hamlet?|Who wrote Don Quixote?|Who invented the telephone?|Who discovered penicillin?|Who was Albert Einstein?|Who was Cleopatra?|Who was the first person on the moon?
What is gravity?|What is an atom?|What is DNA?|What is inflation?|What is democracy?|What is a black hole?|What is a computer?|What is machine learning?|What is the internet?|What is an algorithm?
Why is the sea salty?|Why do leaves change color?|Why do we dream?|Why is the grass green?|Why do we have seasons?|How do airplanes fly?|How do magnets work?|How does a battery work?|How does the heart work?|How is glass made?
How many planets are there?|How many continents are there?|How many days are in a year?|How far away is the moon?|How long do elephants live?|What is the largest ocean?|What is the longest river?|What is the highest mountain?|What is the smallest country?|What is the fastest animal?
When did the Titanic sink?|When was the Declaration of Independence signed?|When did World War II end?|What was the Renaissance?|What caused the French Revolution?|Who built the pyramids?|Where is Mount Everest?|Where do penguins live?|Where does coffee come from?|What do pandas eat?
Explain photosynthesis to a child.|Explain what a verb is.|Explain the water cycle.|Explain how rainbows form.|What's the difference between a crocodile and an alligator?|What's the difference between weather and climate?|Is a whale a fish?|Is the sun a star?|Are bananas berries?|Do fish sleep?""".replace("\n", "|").split("|")

WRITING = """Write a poem about the sea.|Write a short poem about my cat.|Write a haiku about snow.|Write a limerick.|Write a slogan for a bakery.|Write a short story about a dragon.|Write a birthday wish for my sister.|Write a thank-you note to my teacher.|Describe a sunset.|Describe the taste of chocolate.
Give me three tips for better sleep.|Give me ideas for a rainy day.|Suggest a name for my boat.|Suggest a hobby for me.|How can I learn a language faster?|How do I become more confident?|How do I tie a tie?|How do I make friends?|How should I prepare for an exam?|What should I wear to a wedding?
What are the benefits of reading?|What are some healthy snacks?|What makes a good leader?|What is the meaning of life?|What is happiness?|Is money important?|Should I get a pet?|Recommend a good book.|Name five fruits.|Name three kinds of trees.
Summarize the story of Cinderella.|List the primary colors.|Spell the word necessary.|What rhymes with moon?|What is a synonym for happy?|What is the opposite of brave?|Give me a sentence with the word river.|What is a metaphor?|Correct this sentence: he go to school.|Write a Python function that adds two numbers.""".replace("\n", "|").split("|")

QUESTIONS = SMALL_TALK + KNOWLEDGE + WRITING
