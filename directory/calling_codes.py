"""Which countries a calling code is for (ITU-T E.164), to notice a number that is of another country."""

from __future__ import annotations

from collections.abc import Collection

_CODES = """
1 US CA DO JM BS BB TT HT PR GD LC VC AG DM KN BM; 7 RU KZ; 20 EG; 27 ZA; 30 GR; 31 NL; 32 BE; 33 FR; 34 ES; 36 HU;
39 IT VA SM; 40 RO; 41 CH; 43 AT; 44 GB GG JE IM; 45 DK; 46 SE; 47 NO SJ; 48 PL; 49 DE; 51 PE; 52 MX; 53 CU; 54 AR;
55 BR; 56 CL; 57 CO; 58 VE; 60 MY; 61 AU; 62 ID; 63 PH; 64 NZ; 65 SG; 66 TH; 81 JP; 82 KR; 84 VN; 86 CN; 90 TR; 91 IN;
92 PK; 93 AF; 94 LK; 95 MM; 98 IR; 211 SS; 212 MA EH; 213 DZ; 216 TN; 218 LY; 220 GM; 221 SN; 222 MR; 223 ML; 224 GN;
225 CI; 226 BF; 227 NE; 228 TG; 229 BJ; 230 MU; 231 LR; 232 SL; 233 GH; 234 NG; 235 TD; 236 CF; 237 CM; 238 CV; 239 ST;
240 GQ; 241 GA; 242 CG; 243 CD; 244 AO; 245 GW; 248 SC; 249 SD; 250 RW; 251 ET; 252 SO; 253 DJ; 254 KE; 255 TZ; 256 UG;
257 BI; 258 MZ; 260 ZM; 261 MG; 262 RE YT; 263 ZW; 264 NA; 265 MW; 266 LS; 267 BW; 268 SZ; 269 KM; 290 SH; 291 ER;
350 GI; 351 PT; 352 LU; 353 IE; 354 IS; 355 AL; 356 MT; 357 CY; 358 FI AX; 359 BG; 370 LT; 371 LV; 372 EE; 373 MD;
374 AM; 375 BY; 376 AD; 377 MC; 380 UA; 381 RS; 382 ME; 383 XK; 385 HR; 386 SI; 387 BA; 389 MK; 420 CZ; 421 SK; 423 LI;
501 BZ; 502 GT; 503 SV; 504 HN; 505 NI; 506 CR; 507 PA; 509 HT; 590 GP BL MF; 591 BO; 592 GY; 593 EC; 594 GF; 595 PY;
596 MQ; 597 SR; 598 UY; 599 CW; 852 HK; 853 MO; 855 KH; 856 LA; 880 BD; 886 TW; 960 MV; 961 LB; 962 JO; 963 SY; 964 IQ;
965 KW; 966 SA; 967 YE; 968 OM; 970 PS; 971 AE; 972 IL PS; 973 BH; 974 QA; 975 BT; 976 MN; 977 NP; 992 TJ; 993 TM;
994 AZ; 995 GE; 996 KG; 998 UZ
"""
_COUNTRIES = {code: frozenset(countries) for code, *countries in (part.split() for part in _CODES.split(";"))}


def of_another_country(number: str, countries: Collection[str]) -> str:
    """A country of the number's calling code, when none of its countries is among `countries`; else empty.

    Only a number that is written with its calling code says of which country it is: short codes never do.
    """
    digits = "".join(str(int(sign)) for sign in number if sign.isdecimal())
    if number.strip().startswith("00"):
        digits = digits[2:]
    elif not number.strip().startswith("+"):
        return ""
    known = next((_COUNTRIES[digits[:n]] for n in (3, 2, 1) if digits[:n] in _COUNTRIES), frozenset())
    return "" if not known or known & set(countries) else min(known)


#: A whole number with its calling code has so many digits.
_WITH_ITS_CODE = range(11, 16)


def lost_its_plus(number: str, countries: Collection[str]) -> bool:
    """Whether it reads like a number of one of these countries with its calling code, without the plus before it: a
    spreadsheet takes what has one for a sum. Dialled as it is, it reaches nobody."""
    if not (number.isascii() and number.isdigit()) or len(number) not in _WITH_ITS_CODE:
        return False
    return any(_COUNTRIES.get(number[:n], frozenset()) & set(countries) for n in (3, 2, 1))
