import type { LanguageCode } from './languages.ts';

/** A name as its bearer writes it, and in Latin letters for mail addresses and English sentences. */
export interface Name {
  readonly native: string;
  readonly latin: string;
}

export interface NamePool {
  readonly women: readonly Name[];
  readonly men: readonly Name[];
  readonly girls: readonly Name[];
  readonly boys: readonly Name[];
  readonly families: readonly Name[];
  /** Family name before given name, without a space where the language writes none. */
  readonly order: 'given-family' | 'family-given' | 'family-given-joined';
}

/** Words with blanks between them; `native=latin` where the two differ. */
function names(text: string): readonly Name[] {
  return text.split(' ').map((word) => {
    const [native = word, latin = native] = word.split('=');
    return { native, latin };
  });
}

export const namePools: Readonly<Record<LanguageCode, NamePool>> = {
  en: {
    women: names(
      'Alicia Amber Andrea Angela Aisha Brianna Caitlin Carmen Chloe Christine Claire Danielle Denise Diana Elena Ebony Erin Grace Hannah Heather Imani Ingrid Jasmine Jenna Joanna Julia Karen Keisha Kimberly Latoya Laura Leah Lindsay Maeve Maya Megan Melissa Michelle Monique Naomi Natalie Nicole Olivia Paige Priya Rachel Rebecca Renee Rosa Samantha Sara Shanice Shauna Simone Stacy Tamara Tiffany Vanessa Whitney Yolanda',
    ),
    men: names(
      'Aaron Adrian Alejandro Andre Anthony Arjun Ben Brandon Brian Caleb Carlos Christopher Corey Damien Darnell David Derek Dominic Edward Elijah Eric Ethan Felix Gabriel Greg Hector Ian Isaac Jamal James Jason Jeremy Joel Jonathan Jordan Joshua Justin Keith Kevin Kyle Lamar Luis Malik Marcus Mark Matthew Michael Nathan Omar Patrick Paul Peter Raymond Ryan Samuel Scott Sean Terrence Trevor Tyrone Victor William',
    ),
    girls: names(
      'Ava Amelia Aria Bella Charlotte Clara Daisy Eleanor Eliza Ella Emma Evelyn Faith Fiona Gia Harper Hazel Iris Ivy Jada Josie Kayla Layla Lily Lucy Mabel Mia Nora Olive Penelope Piper Quinn Ruby Sadie Savannah Skye Stella Thea Violet Willa Zoe Zuri',
    ),
    boys: names(
      'Aiden Asher August Beau Caleb Carter Colin Declan Dylan Eli Elias Emmett Ezra Finn Gavin Henry Hudson Isaiah Jack Jayden Jonah Julian Kai Landon Liam Logan Lucas Mason Micah Miles Nico Noah Oliver Oscar Owen Parker Reid Ronan Sawyer Silas Theo Wyatt Xavier Zeke',
    ),
    families: names(
      'Abbott Adeyemi Alvarado Anderson Baker Banks Barrett Bennett Bianchi Boone Brooks Bryant Callahan Campbell Carter Chambers Coleman Cruz Dalton Davenport Delgado Dixon Donovan Douglas Ellison Farrell Fischer Fleming Foster Freeman Gallagher Garrett Gibbs Goodwin Grant Greene Griffin Hale Hansen Harper Hayes Hoffman Holloway Hughes Ingram Jackson Jefferson Jensen Keller Kendrick Larson Lawson Lindqvist Lowe Maddox Marsh Mercer Monroe Morales Mullins Nakamura Novak Okafor Olsen Osborne Parks Patel Pearson Porter Quinlan Ramsey Randall Rhodes Romano Rosario Sandoval Sawyer Schultz Shaw Sinclair Sullivan Tate Townsend Underwood Vance Wallace Washington Whitaker Wilder Yates Zimmerman',
    ),
    order: 'given-family',
  },
  es: {
    women: names(
      'Lucía=Lucia Sofía=Sofia Valeria Camila Mariana Paula Andrea Carolina Daniela Fernanda Inés=Ines Rocío=Rocio',
    ),
    men: names(
      'Diego Alejandro Javier Andrés=Andres Mateo Pablo Ricardo Tomás=Tomas Joaquín=Joaquin Emilio Raúl=Raul Héctor=Hector',
    ),
    girls: names('Ximena Renata Martina Julieta Regina Elisa Abril Noa'),
    boys: names('Santiago Leonardo Nicolás=Nicolas Emiliano Iker Bruno Gael Martín=Martin'),
    families: names(
      'García=Garcia Hernández=Hernandez Herrera Vidal Peña=Pena Núñez=Nunez Ortega Salazar Cárdenas=Cardenas Ríos=Rios Ibarra Montoya Figueroa Zamora',
    ),
    order: 'given-family',
  },
  de: {
    women: names('Katrin Anja Sabine Heike Franziska Lena Miriam Ulrike Svenja'),
    men: names('Jörg=Joerg Matthias Stefan Tobias Florian Björn=Bjoern Sebastian Uwe Cem Jan'),
    girls: names('Mathilda Frieda Emilia Lotta Johanna Greta Merle'),
    boys: names('Anton Emil Jonas Karl Paul Ole Moritz'),
    families: names(
      'Müller=Mueller Schäfer=Schaefer Weiß=Weiss Krüger=Krueger Vogel Brandt Yılmaz=Yilmaz Lindner Böhm=Boehm Seidel Größing=Groessing',
    ),
    order: 'given-family',
  },
  fr: {
    women: names(
      'Élodie=Elodie Camille Aurélie=Aurelie Sandrine Chloé=Chloe Nathalie Amélie=Amelie Fatou Céline=Celine Margaux',
    ),
    men: names(
      'Julien Rémi=Remi Nicolas Étienne=Etienne Sébastien=Sebastien Mathieu Karim Benoît=Benoit Loïc=Loic Antoine',
    ),
    girls: names('Léa=Lea Manon Jade Zoé=Zoe Louise Inès=Ines Capucine'),
    boys: names('Hugo Gabin Noé=Noe Raphaël=Raphael Adam Jules Maël=Mael'),
    families: names(
      'Lefèvre=Lefevre Garnier Beaulieu Rousseau Marchand Diallo Fournier Chevalier Benali Périer=Perier Lemaître=Lemaitre',
    ),
    order: 'given-family',
  },
  pt: {
    women: names(
      'Juliana Patrícia=Patricia Fernanda Bruna Letícia=Leticia Conceição=Conceicao Larissa Tatiana Beatriz',
    ),
    men: names('João=Joao Thiago Rodrigo Márcio=Marcio Felipe Caio Sérgio=Sergio Gustavo Leandro'),
    girls: names('Alice Laura Helena Manuela Lívia=Livia Cecília=Cecilia'),
    boys: names('Davi Heitor Bernardo Enzo Otávio=Otavio Murilo'),
    families: names(
      'Araújo=Araujo Gonçalves=Goncalves Ribeiro Magalhães=Magalhaes Simões=Simoes Barbosa Teixeira Nogueira Prado Assunção=Assuncao',
    ),
    order: 'given-family',
  },
  uk: {
    women: names('Олена=Olena Наталія=Nataliia Ірина=Iryna Оксана=Oksana Юлія=Yuliia Софія=Sofiia'),
    men: names('Андрій=Andrii Сергій=Serhii Тарас=Taras Олексій=Oleksii Богдан=Bohdan Ігор=Ihor'),
    girls: names('Злата=Zlata Соломія=Solomiia Дарина=Daryna Поліна=Polina'),
    boys: names('Матвій=Matvii Назар=Nazar Артем=Artem Марко=Marko'),
    families: names(
      'Шевченко=Shevchenko Бондаренко=Bondarenko Коваленко=Kovalenko Мельник=Melnyk Ґудзь=Gudz Їжак=Yizhak Кравець=Kravets',
    ),
    order: 'given-family',
  },
  ar: {
    women: names('أمينة=Amina ليلى=Layla نادية=Nadia سارة=Sara هدى=Huda ريم=Reem'),
    men: names('كريم=Karim عمر=Omar خالد=Khaled يوسف=Youssef سامي=Sami طارق=Tariq'),
    girls: names('جنى=Jana مريم=Maryam سلمى=Salma تالا=Tala'),
    boys: names('آدم=Adam زيد=Zayd ياسين=Yaseen حمزة=Hamza'),
    families: names('حداد=Haddad النجار=Alnajjar خوري=Khoury العمري=Alomari منصور=Mansour درويش=Darwish'),
    order: 'given-family',
  },
  he: {
    women: names('נועה=Noa מיכל=Michal תמר=Tamar שירה=Shira יעל=Yael'),
    men: names('אורי=Uri יונתן=Yonatan עידו=Ido רועי=Roi אלון=Alon'),
    girls: names('מאיה=Maya אביגיל=Avigail רוני=Roni'),
    boys: names('איתי=Itai נדב=Nadav גיא=Guy'),
    families: names('לוי=Levi כהן=Cohen מזרחי=Mizrahi פרידמן=Friedman ברק=Barak שפירא=Shapira'),
    order: 'given-family',
  },
  hi: {
    women: names('प्रिया=Priya अनीता=Anita कविता=Kavita नेहा=Neha श्रुति=Shruti'),
    men: names('राहुल=Rahul अमित=Amit विक्रम=Vikram संजय=Sanjay कार्तिक=Kartik'),
    girls: names('अनन्या=Ananya दीया=Diya मीरा=Meera'),
    boys: names('आरव=Aarav कबीर=Kabir ईशान=Ishaan'),
    families: names('शर्मा=Sharma गुप्ता=Gupta वर्मा=Verma मिश्रा=Mishra चौधरी=Chaudhary जोशी=Joshi'),
    order: 'given-family',
  },
  ja: {
    women: names('美咲=Misaki 由美子=Yumiko 恵=Megumi 彩香=Ayaka 直子=Naoko'),
    men: names('健太=Kenta 大輔=Daisuke 誠=Makoto 翔=Sho 和也=Kazuya'),
    girls: names('結衣=Yui さくら=Sakura 陽菜=Hina'),
    boys: names('蓮=Ren 悠真=Yuma 湊=Minato'),
    families: names('佐藤=Sato 鈴木=Suzuki 髙橋=Takahashi 渡邊=Watanabe 小林=Kobayashi 山本=Yamamoto'),
    order: 'family-given',
  },
  zh: {
    women: names('丽华=Lihua 晓雯=Xiaowen 静怡=Jingyi 敏=Min 佳=Jia'),
    men: names('志强=Zhiqiang 伟=Wei 建国=Jianguo 浩然=Haoran 磊=Lei'),
    girls: names('小雨=Xiaoyu 朵朵=Duoduo 欣妍=Xinyan'),
    boys: names('乐乐=Lele 子轩=Zixuan 明明=Mingming'),
    families: names('王=Wang 李=Li 张=Zhang 陈=Chen 刘=Liu 欧阳=Ouyang'),
    order: 'family-given-joined',
  },
  ko: {
    women: names('지영=Jiyoung 수진=Sujin 은혜=Eunhye 미나=Mina'),
    men: names('성민=Seongmin 준호=Junho 동욱=Donguk 재현=Jaehyun'),
    girls: names('서연=Seoyeon 하은=Haeun'),
    boys: names('도윤=Doyun 시우=Siwoo'),
    families: names('김=Kim 이=Lee 박=Park 최=Choi 정=Jung'),
    order: 'family-given-joined',
  },
  th: {
    women: names('สุดา=Suda มาลี=Malee พิมพ์ชนก=Pimchanok อรุณี=Arunee'),
    men: names('สมชาย=Somchai ธนากร=Thanakorn กิตติ=Kitti วีระ=Weera'),
    girls: names('น้ำฝน=Namfon ใบบัว=Baibua'),
    boys: names('ต้นกล้า=Tonkla ภูผา=Phupha'),
    families: names('ศรีสุข=Srisuk ทองดี=Thongdee วงศ์ไทย=Wongthai แก้วมณี=Kaewmanee'),
    order: 'given-family',
  },
  vi: {
    women: names('Hương=Huong Thảo=Thao Ngọc=Ngoc Lan Phương=Phuong'),
    men: names('Dũng=Dung Quân=Quan Tuấn=Tuan Hải=Hai Đức=Duc'),
    girls: names('Chi Ánh=Anh Mai'),
    boys: names('Bảo=Bao Khôi=Khoi Phúc=Phuc'),
    families: names('Nguyễn=Nguyen Trần=Tran Lê=Le Phạm=Pham Võ=Vo'),
    order: 'family-given',
  },
};

/** A whole name in the order its language has. */
export function wholeName(pool: Pick<NamePool, 'order'>, given: Name, family: Name): Name {
  const latin = `${given.latin} ${family.latin}`;
  if (pool.order === 'given-family') return { native: `${given.native} ${family.native}`, latin };
  const between = pool.order === 'family-given' ? ' ' : '';
  return { native: `${family.native}${between}${given.native}`, latin };
}
