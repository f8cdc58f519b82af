package com.ex

import com.ex.Other

/** A thing.
 * @param a the a
 * @property b the b
 */
open class Thing(val a: Int, private val b: String = "x") : Base(), I {
    /** Does m.
     * @throws IllegalStateException bad
     */
    suspend fun m(x: Int = 1, vararg y: String): String { throw IllegalStateException("x") }

    val p: Int
        get() = 1

    companion object {
        /** K. */
        const val K = 1
    }

    private fun q() {}
}

data class R(val a: Int)

object O { fun z() = 1 }

interface I { fun i() }

fun interface Fi { fun go() }

enum class En { ONE, TWO }

fun <T> List<T>.ext(a: Int): T = TODO()

typealias TA = Map<String, Int>

val top: String = "a"
